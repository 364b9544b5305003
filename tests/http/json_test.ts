import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { TokenError } from "../../lib/errors.ts";
import { parseJson } from "../../lib/http/json.ts";
import { unusableAnswer } from "../../lib/oauth/_answer.ts";

const utf8 = new TextEncoder();

function parse(text: string): unknown {
  return parseJson(utf8.encode(text), unusableAnswer);
}

/** The message with which something is refused. */
function refusal(given: string | Uint8Array): string {
  try {
    parseJson(typeof given === "string" ? utf8.encode(given) : given, unusableAnswer);
  } catch (error) {
    assert.ok(error instanceof TokenError, `${error}`);
    assert.equal(error.code, "invalid_response");
    return error.message;
  }
  assert.fail(`took ${given.slice(0, 200)}`);
}

/** Whether a value that JSON.parse made has what must not be there. Duplicate members leave no trace in it. */
function tainted(value: unknown, depth = 0): boolean {
  if (typeof value === "string") return /\0/.test(value) || !value.isWellFormed();
  if (typeof value !== "object" || value === null) return false;
  if (depth >= 32) return true;
  return Object.entries(value).some(([name, member]) =>
    name === "__proto__" || name === "constructor" || tainted(name) || tainted(member, depth + 1)
  );
}

describe("parseJson", () => {
  it("takes what servers send", () => {
    const text =
      ' {"access_token":"a.b-c","expires_in":3600,"scope":"openid roles","a":{"b":[1,2.5e3,null,true,"\\u00e9\\\\\\""]}}\r\n';
    assert.deepEqual(parse(text), JSON.parse(text));
    assert.deepEqual(parse('"ü € 😀 \\ud83d\\ude00"'), "ü € 😀 😀");
    assert.deepEqual(parse("{}"), {});
    assert.deepEqual(parse("[[],{},[{}]]"), [[], {}, [{}]]);
    assert.equal(parse("0"), 0);
  });

  it("refuses what is no JSON", () => {
    for (
      const text of [
        "",
        " ",
        "nope",
        "{",
        '{"a":1}}',
        "{'a':1}",
        '{"a":1,}',
        "[1,]",
        "NaN",
        "01",
        '"\n"',
        "{}{}",
        "// a\n{}",
      ]
    ) {
      assert.equal(refusal(text), "Cannot use the server's answer: it is not JSON", text);
    }
  });

  it("says when a web page came in its place", () => {
    for (const page of ["<!doctype html><title>Hotel</title>", "\r\n <html>", "<?xml version='1.0'?><a/>"]) {
      assert.match(refusal(page), /it is a web page$/);
    }
  });

  it("refuses anything but UTF-8 without a byte order mark", () => {
    refusal("\ufeff{}");
    refusal(Uint8Array.of(0xff, 0xfe, 0x7b, 0, 0x7d, 0));
    refusal(Uint8Array.of(0x7b, 0, 0x7d, 0));
    refusal(Uint8Array.of(0x22, 0xe9, 0x22));
    refusal(Uint8Array.of(0x22, 0xc0, 0x80, 0x22));
    // U+D800, as UTF-8 would have it if it could.
    refusal(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22));
  });

  it("refuses a member that is there twice, however it is written", () => {
    for (
      const text of [
        '{"access_token":"a","access_token":"b"}',
        '{"access_token":"a","access\\u005ftoken":"b"}',
        '{"a":1,"b":{"c":2},"a":3}',
        '{"b":[{"a":1 , "x":[] , "a" :2}]}',
        '{"":1,"":2}',
        '{"\\/":1,"/":2}',
      ]
    ) {
      assert.match(refusal(text), /has a member twice/, text);
    }
    assert.deepEqual(parse('{"a":{"a":["a","a",{"a":1}]},"b":{"a":"a"},"A":1}'), {
      a: { a: ["a", "a", { a: 1 }] },
      b: { a: "a" },
      A: 1,
    });
  });

  it("refuses members that reach for the prototype", () => {
    for (
      const text of [
        '{"__proto__":{"admin":true}}',
        '{"constructor":{"prototype":{}}}',
        '[{"a":{"\\u005f_proto__":1}}]',
        '{"\\u0063onstructor":1}',
      ]
    ) {
      assert.match(refusal(text), /a forbidden one/, text);
    }
    assert.deepEqual(parse('{"a":"__proto__","b":["constructor"],"constructors":1}'), {
      a: "__proto__",
      b: ["constructor"],
      constructors: 1,
    });
  });

  it("refuses NUL and half surrogate pairs, in names and in values", () => {
    for (
      const text of [
        '"\\u0000"',
        '{"a\\u0000":1}',
        '"\\ud800"',
        '"\\uD83Dx"',
        '"\\ude00\\ud83d"',
        '"\\ud83d\\ud83d\\ude00"',
        '"\\ud83d\\u0041"',
        '{"\\udfff":1}',
        '"\\\\\\ud800"',
      ]
    ) {
      assert.match(refusal(text), /a broken character/, text);
    }
    refusal('"\0"');
    assert.equal(parse('"\\\\u0000 \\\\ud800"'), "\\u0000 \\ud800");
  });

  it("refuses what is nested deeper than 32", () => {
    const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
    assert.deepEqual(parse(nested(32)), JSON.parse(nested(32)));
    assert.match(refusal(nested(33)), /nested too deep/);
    assert.match(refusal('{"a":'.repeat(33) + "1" + "}".repeat(33)), /nested too deep/);
    assert.match(refusal("[".repeat(100_000)), /nested too deep/);
    assert.deepEqual(parse(`[${'"[[[{{{",'.repeat(50)}{"[":"{"}]`), [
      ...Array(50).fill("[[[{{{"),
      { "[": "{" },
    ]);
  });

  it("refuses more than 10,000 parts", () => {
    const array = (length: number) => `[${Array(length).fill("0").join(",")}]`;
    assert.equal((parse(array(10_000)) as unknown[]).length, 10_000);
    assert.match(refusal(array(10_001)), /too many parts/);
    assert.match(
      refusal(`{${Array.from({ length: 10_001 }, (_, index) => `"${index}":0`).join(",")}}`),
      /too many parts/,
    );
    assert.equal(parse(`"${",".repeat(20_000)}"`), ",".repeat(20_000));
  });

  it("never shows the content", () => {
    for (
      const text of [
        "hunter2",
        '{"hunter2":',
        '{"hunter2":1,"hunter2":2}',
        '{"a":"hunter2\\u0000"}',
        "<p>hunter2",
        '["hunter2"]'.padStart(50, "["),
      ]
    ) {
      assert.doesNotMatch(refusal(text), /hunter2/);
    }
  });

  it("is as quick with hostile input as with any other", () => {
    const half = "a".repeat(256 * 1024);
    for (
      const text of [
        '"'.repeat(512 * 1024),
        '\\"'.repeat(256 * 1024),
        '"' + '\\"'.repeat(256 * 1024),
        `"${half}"${":".repeat(256 * 1024)}`,
        `{"${half}":${`"${half}`}`,
        "\\u".repeat(256 * 1024),
        "\\ud83d".repeat(80 * 1024),
        "{".repeat(512 * 1024),
        " ".repeat(512 * 1024),
        "]".repeat(512 * 1024),
      ]
    ) {
      const start = performance.now();
      refusal(text);
      // Milliseconds when it is right, minutes when it is not.
      assert.ok(performance.now() - start < 20_000, text.slice(0, 20));
    }
  });

  it("gives what JSON.parse gives, for every value", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(undefined, 1, "\t"), (value, space) => {
        const text = JSON.stringify(value, null, space);
        if (tainted(JSON.parse(text))) refusal(text);
        else assert.deepEqual(parse(text), JSON.parse(text));
      }),
      { numRuns: 2000 },
    );
  });

  it("takes no more than JSON.parse takes, and the same from it", () => {
    const pieces = [
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"',
      "\\",
      "\\u",
      "\\ud83d",
      "\\ude00",
      "a",
      '"a"',
      '"a":',
      '"b":',
      "1",
      " ",
    ];
    const nearly = fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(
        fc.oneof(nearly, nearly.map((inner) => `{"a":[${inner}]}`), fc.json(), fc.string()),
        (text) => {
          let parsed: unknown;
          try {
            parsed = parse(text);
          } catch (error) {
            assert.ok(error instanceof TokenError && error.code === "invalid_response", `${error}`);
            return;
          }
          assert.deepEqual(parsed, JSON.parse(text));
          assert.equal(tainted(parsed), false);
        },
      ),
      { numRuns: 5000 },
    );
  });

  it("finds a member that is there twice among any others", () => {
    const name = fc.string({ unit: "grapheme" }).filter((name) => !tainted({ [name]: 0 }));
    fc.assert(
      fc.property(
        fc.uniqueArray(name, { minLength: 1, maxLength: 20 }),
        fc.nat(),
        fc.jsonValue(),
        (names, at, value) => {
          const members = names.map((name) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
          if (tainted([value])) return;
          assert.doesNotThrow(() => parse(`{${members.join()}}`));
          const again = `{${[...members, members[at % members.length]].join()}}`;
          assert.match(refusal(again), /has a member twice/);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
