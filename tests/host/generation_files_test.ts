import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import {
  directoryName,
  frame,
  generationFileName,
  generationOf,
  unframe,
  waitingFileName,
  waitingFor,
} from "../../lib/host/generation_files.ts";

describe("the frame around a value", () => {
  it("comes off as it was put on", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 3000 }), (value) => {
      assert.deepEqual(unframe(frame({ value })), { value });
    }));
    assert.deepEqual(unframe(frame({})), {});
    assert.deepEqual(unframe(frame({ value: new Uint8Array() })), { value: new Uint8Array() });
  });

  it("can be read by the description of its format alone", () => {
    const framed = frame({ value: new TextEncoder().encode("123456789") });
    assert.equal(new TextDecoder().decode(framed.subarray(0, 4)), "APXG");
    assert.deepEqual([...framed.subarray(4, 12)], [1, 0, 0, 0, 0, 0, 0, 9]);
    const summed = new Uint8Array([...framed.subarray(0, 12), ...framed.subarray(16)]);
    assert.equal(new DataView(framed.buffer).getUint32(12), crc32(summed));
    assert.deepEqual([...frame({}).subarray(4, 12)], [1, 1, 0, 0, 0, 0, 0, 0]);
  });

  it("tells every damaged byte, every cut and every page of zeros", () => {
    const value = Uint8Array.from({ length: 300 }, (_, at) => at + 1);
    const framed = frame({ value });
    for (let at = 0; at < framed.length; at++) {
      const changed = framed.slice();
      changed[at] ^= 0x10;
      // A changed version byte reads as a newer release.
      if (at === 4) assert.throws(() => unframe(changed), { code: "storage", message: /newer release/ });
      else assert.equal(unframe(changed), undefined, `byte ${at}`);
      assert.equal(unframe(framed.subarray(0, at)), undefined, `cut at ${at}`);
      const zeroed = framed.slice();
      zeroed.fill(0, at);
      if (at < framed.length) assert.equal(unframe(zeroed), undefined, `zeros from ${at}`);
    }
    assert.equal(unframe(new Uint8Array([...framed, 1])), undefined);
    assert.equal(unframe(new Uint8Array([...framed, 0, 0, 1, 0])), undefined);
    assert.equal(unframe(new Uint8Array(4096)), undefined);
  });

  it("tells every single flipped bit, also in the zeros behind it", () => {
    const file = new Uint8Array(400);
    file.set(frame({ value: Uint8Array.from({ length: 300 }, (_, at) => at) }));
    for (let bit = 0; bit < file.length * 8; bit++) {
      file[bit >> 3] ^= 1 << (bit & 7);
      // any bit but the lowest one makes the version a newer one
      const isNewer = bit > 4 * 8 && bit < 5 * 8;
      if (isNewer) assert.throws(() => unframe(file), { code: "storage", message: /newer release/ });
      else assert.equal(unframe(file), undefined, `bit ${bit}`);
      file[bit >> 3] ^= 1 << (bit & 7);
    }
    assert.ok(unframe(file)?.value);
  });

  it("may have zeros behind it: its file was made before its value was known", () => {
    for (const value of [new Uint8Array(), new Uint8Array([1, 2, 0, 0]), undefined]) {
      const padded = new Uint8Array(4096);
      padded.set(frame({ value }));
      assert.deepEqual(unframe(padded), value === undefined ? {} : { value });
      padded[8]++;
      assert.equal(unframe(padded), undefined);
    }
  });

  it("of a newer release is left alone, whatever its checksum", () => {
    const framed = frame({ value: new Uint8Array(10) });
    framed[4] = 2;
    framed[12] ^= 1;
    assert.throws(() => unframe(framed), {
      name: "TokenError",
      code: "storage",
      message: /written by a newer release/,
      nextStep: /newest release/,
    });
  });
});

describe("the name of a file", () => {
  it("tells its generation", () => {
    for (const generation of [1, 2, 10, 999_999_999_999_999]) {
      assert.equal(generationOf(generationFileName(generation)), generation);
      assert.equal(waitingFor(waitingFileName(generation, "x")), generation);
    }
    for (
      const other of ["g-", "g-0", "g-01", "g-1.tmp", "g-1~", "xg-1", "g--1", "g-1e3", "t-1-x", "lock", "."]
    ) {
      assert.equal(generationOf(other), undefined, other);
    }
    for (const other of ["t-", "t-1", "t-0-x", "t-01-x", "g-1", "xt-1-x"]) {
      assert.equal(waitingFor(other), undefined);
    }
  });
});

describe("the name of a directory", () => {
  it("is the key where a file system can take it", () => {
    for (const key of ["apex", "APEx_2.0-rc", "...", "a.", ".hidden"]) assert.equal(directoryName(key), key);
  });

  it("encodes everything else, byte by byte", () => {
    assert.equal(directoryName("a/b"), "a%2Fb");
    assert.equal(directoryName("a%2Fb"), "a%252Fb");
    assert.equal(directoryName("ä €\0"), "%C3%A4%20%E2%82%AC%00");
    assert.equal(directoryName("😀"), "%F0%9F%98%80");
  });

  it("is never the directory itself or the one above", () => {
    assert.equal(directoryName("."), "%2E");
    assert.equal(directoryName(".."), "%2E%2E");
  });

  it("is another one for every key, and never leaves the directory", () => {
    fc.assert(fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 20 }), (key) => {
      const name = directoryName(key);
      assert.match(name, /^(?!\.{1,2}$)[A-Za-z0-9._%-]+$/);
      assert.equal(decodeURIComponent(name), key);
    }));
  });

  it("is refused where there can be none", () => {
    for (const key of ["", "\ud800", "a\udfff"]) {
      assert.throws(() => directoryName(key), { name: "TokenError", code: "invalid_argument" });
    }
    assert.equal(directoryName("x".repeat(255)).length, 255);
    for (const key of ["x".repeat(256), "/".repeat(86)]) {
      assert.throws(() => directoryName(key), { code: "invalid_argument", message: /more than 255 bytes/ });
    }
  });
});
