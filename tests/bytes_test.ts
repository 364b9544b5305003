import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fromBase64, toBase64, toHex } from "../lib/bytes.ts";

describe("bytes as text", () => {
  it("are hexadecimal, two small digits for each", () => {
    assert.equal(toHex(Uint8Array.of(0, 1, 15, 16, 171, 255)), "00010f10abff");
    assert.equal(toHex(new Uint8Array()), "");
  });

  it("are base64 with padding (RFC 4648 section 10), and the same again", () => {
    const vectors = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
    vectors.forEach((text, length) => {
      const bytes = new TextEncoder().encode("foobar".slice(0, length));
      assert.equal(toBase64(bytes), text);
      assert.deepEqual([...fromBase64(text)], [...bytes]);
    });
    assert.equal(toBase64(Uint8Array.of(251, 255)), "+/8=");
  });

  it("may be more than a function takes arguments", () => {
    const many = Uint8Array.from({ length: 300_001 }, (_, at) => at % 251);
    const again = fromBase64(toBase64(many));
    assert.equal(again.length, many.length);
    assert.ok(again.every((byte, at) => byte === many[at]));
  });

  it("are refused when they are no base64", () => {
    assert.throws(() => fromBase64("?"));
  });
});
