import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { safeText } from "../lib/safe_text.ts";

/** What may move a cursor, change a colour, turn the direction of text or hide. */
const HARMFUL = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;

describe("safe text", () => {
  for (
    const text of [
      'Client "x" is not allowed (no consent): see https://as.test/help?a=b&c=%20',
      "Grüße, 你好, שלום, مرحبا, ありがとう, ไทย, 🔑",
      "",
    ]
  ) {
    it(`leaves ${text || "nothing"} as it is`, () => {
      assert.equal(safeText(text), text);
    });
  }

  for (
    const [what, text, safe] of [
      ["colours", "\x1b[1;31mred\x1b[0m", "red"],
      ["a cleared screen", "a\x1b[2J\x1b[Hb", "ab"],
      ["the cursor going up", "a\x1b[1A\x1b[2Kb", "ab"],
      ["a title", "a\x1b]0;owned\x07b", "ab"],
      ["a link (OSC 8)", "\x1b]8;;https://evil.test\x1b\\click\x1b]8;;\x1b\\", "click"],
      ["the clipboard (OSC 52)", "a\x1b]52;c;ZXZpbA==\x07b", "ab"],
      ["a device control string", "a\x1bP1$r0m\x1b\\b", "ab"],
      ["an application command", "a\x1b_payload\x1b\\b", "ab"],
      ["a private message", "a\x1b^payload\x1b\\b", "ab"],
      ["a start of string", "a\x1bXpayload\x1b\\b", "ab"],
      ["a sequence without end", "a\x1b]0;rest of it", "a"],
      ["half a sequence", "a\x1b[31", "a"],
      ["an escape alone", "a\x1b", "a"],
      ["a reset of the terminal", "a\x1bcb", "ab"],
      ["another character set", "a\x1b(0b", "ab"],
      ["the 8-bit CSI", "a\x9b31mb", "ab"],
      ["the 8-bit OSC", "a\x9d0;owned\x9cb", "ab"],
      ["an escape cut by an invisible character", "a\x1b\u200b[31mb", "a[31mb"],
      ["an escape within an escape", "\x1b\x1b[31m[32mx", "[32mx"],
      ["lines", "a\r\nb\nc\rd\u2028e\u2029f\u0085g\vh\fi", "a b c d e f g h i"],
      ["a bell, a backspace and a NUL", "a\x07b\x08c\x00d\x7fe", "a b c d e"],
      ["text from right to left", "a\u202ecod.exe\u202c\u2066x\u2069\u200fb", "acod.exexb"],
      [
        "invisible characters",
        "p\u200ba\u200dy\u2060p\ufeffa\u00adl\u180e!\u034f\u3164\u115f\uffa0",
        "paypal!",
      ],
      ["variation selectors and tags", "a\ufe0fb\u180b\u{e0061}\u{e0100}c\u206a", "abc"],
      ["half a character", "a\ud800b\udfffc", "a b c"],
      ["blanks", "  a \t\t b\u00a0\u3000\u2003c  ", "a b c"],
      ["a composed character", "e\u0301", "\u00e9"],
    ]
  ) {
    it(`takes ${what} out`, () => {
      assert.equal(safeText(text), safe);
    });
  }

  it("is no longer than it may be, in characters", () => {
    assert.equal(safeText("x".repeat(201)), "x".repeat(199) + "…");
    assert.equal(safeText("x".repeat(200)), "x".repeat(200));
    assert.equal(safeText("🔑🔑🔑🔑", 3), "🔑🔑…");
    assert.equal(safeText("🔑🔑🔑", 3), "🔑🔑🔑");
  });

  it("is quick with a megabyte", () => {
    for (const piece of ["\x1b[", "\x1b]", "\x9b", "\x1b", "a\u200b", " ", "\ud800", "\x1b[0;"]) {
      const start = performance.now();
      assert.ok([...safeText(piece.repeat(1_000_000 / piece.length))].length <= 200);
      assert.ok(performance.now() - start < 200, JSON.stringify(piece));
    }
  });

  it("has nothing harmful, is one line, is short enough and stays as it is, whatever went in", () => {
    const nasty = fc.constantFrom(
      "\x1b",
      "\x1b[",
      "\x1b]",
      "\x9b",
      "\x07",
      "\x1b\\",
      "\u202e",
      "\u200b",
      "\n",
      "\ud800",
      "0;",
      "m",
    );
    const text = fc.array(fc.oneof(nasty, fc.string({ unit: "binary" })), { maxLength: 40 }).map((parts) =>
      parts.join("")
    );
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 300 }), (text, limit) => {
        const safe = safeText(text, limit);
        assert.ok(!HARMFUL.test(safe), JSON.stringify(safe));
        assert.ok([...safe].length <= limit);
        assert.equal(safe.trim(), safe);
        assert.equal(safeText(safe, limit), safe);
      }),
      { numRuns: 500 },
    );
  });

  it("lets no harmful character through, of all that there are", () => {
    for (let code = 0; code < 0x110000;) {
      // Those that begin a sequence would take others with them.
      const end = code + (code < 0x3000 ? 1 : 128);
      let text = "a";
      while (code < end) text += String.fromCodePoint(code++);
      assert.ok(!HARMFUL.test(safeText(text)), (end - 1).toString(16));
    }
  });
});
