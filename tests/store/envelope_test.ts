import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import { open, seal, type SealContext } from "../../lib/store/envelope.ts";

const key = Uint8Array.from({ length: 32 }, (_, at) => at);
const otherKey = key.map((byte) => byte ^ 1);
const context: SealContext = { storeId: "sessions", recordId: "apex", generation: 7 };
const plaintext = new TextEncoder().encode('{"refresh_token":"a secret that must not show"}');
const HEADER = 119;

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** The checksum mended, as somebody would who wants a changed header to pass. */
function mended(sealed: Uint8Array): Uint8Array {
  let hash = 0x811c9dc5;
  for (const byte of sealed.subarray(0, 115)) hash = Math.imul(hash ^ byte, 0x01000193);
  new DataView(sealed.buffer).setUint32(115, hash >>> 0);
  return sealed;
}

const isBroken = { name: "TokenError", code: "storage", message: /broken/ };
const isWrongKey = { name: "TokenError", code: "key" };

describe("the envelope", () => {
  it("opens to what was sealed, whatever it is", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.string({ unit: "grapheme" }),
        fc.string({ unit: "grapheme" }),
        fc.maxSafeNat(),
        fc.option(fc.uint8Array({ minLength: 32, maxLength: 32 }), { nil: undefined }),
        fc.uint8Array({ maxLength: 5000 }),
        async (key, storeId, recordId, generation, slots, plaintext) => {
          const sealed = await seal(key, { storeId, recordId, generation, slots }, plaintext);
          const opened = await open(key, { storeId, recordId, generation }, sealed);
          assert.deepEqual(opened, { plaintext, generation });
        },
      ),
      { numRuns: 200 },
    );
  });

  it("can be read by the description of its format alone", async () => {
    const slots = new Uint8Array(32).fill(9);
    const sealed = await seal(key, { ...context, slots }, plaintext);
    const view = new DataView(sealed.buffer);
    assert.equal(new TextDecoder().decode(sealed.subarray(0, 10)), "apex-store");
    assert.equal(sealed[10], 1);
    assert.equal(view.getBigUint64(11), 7n);
    assert.equal(hex(sealed.subarray(51, 83)), hex(slots));

    const derived = await expanded(
      await hmac(sealed.subarray(19, 51), key),
      "apex-store v1|rec|sessions",
      76,
    );
    const commitment = await hmac(derived.subarray(44), sealed.subarray(0, 83));
    assert.equal(hex(sealed.subarray(83, 115)), hex(commitment));
    assert.equal(hex(mended(sealed.slice())), hex(sealed));

    const names = "\0\0\0\x08sessions\0\0\0\x04apex";
    const additionalData = Uint8Array.from([
      ...sealed.subarray(0, 11),
      ...new TextEncoder().encode(names),
      ...sealed.subarray(11, 19),
      ...slots,
    ]);
    const aesKey = await crypto.subtle.importKey("raw", derived.slice(0, 32), "AES-GCM", false, ["decrypt"]);
    const aes = { name: "AES-GCM", iv: derived.slice(32, 44), additionalData };
    const padded = new Uint8Array(await crypto.subtle.decrypt(aes, aesKey, sealed.slice(HEADER)));
    assert.equal(padded.length, 1024);
    assert.equal(new DataView(padded.buffer).getUint32(0), plaintext.length);
    assert.deepEqual(padded.slice(4, 4 + plaintext.length), plaintext);
    assert.ok(padded.subarray(4 + plaintext.length).every((byte) => byte === 0));
  });

  it("opens what the first release wrote", async () => {
    const sealed = Uint8Array.from(atob(SEALED_BY_VERSION_1), (character) => character.charCodeAt(0));
    assert.deepEqual(await open(key, { storeId: "sessions", recordId: "apex" }, sealed), {
      plaintext: new TextEncoder().encode("first release"),
      generation: 1,
    });
  });

  it("refuses a record with any single bit changed, and calls it broken, not locked", async () => {
    const sealed = await seal(key, context, plaintext);
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = sealed.slice();
      changed[bit >> 3] ^= 1 << (bit & 7);
      // A changed version byte reads as a newer release.
      await assert.rejects(
        open(key, context, changed),
        { name: "TokenError", code: "storage" },
        `bit ${bit}`,
      );
    }
  });

  it("refuses a record that is cut off or has something added", async () => {
    const sealed = await seal(key, context, plaintext);
    for (let length = 0; length < sealed.length; length++) {
      await assert.rejects(open(key, context, sealed.subarray(0, length)), isBroken, `${length} bytes`);
    }
    for (const more of [1, 1024]) {
      const longer = new Uint8Array(sealed.length + more);
      longer.set(sealed);
      await assert.rejects(open(key, context, longer), isBroken);
    }
  });

  it("refuses a header that somebody changed who knew how to mend the checksum", async () => {
    const sealed = await seal(key, context, plaintext);
    for (const at of [11, 18, 19, 50, 51, 82, 83, 114]) {
      const changed = sealed.slice();
      changed[at] ^= 0x80;
      await assert.rejects(open(key, { ...context, generation: undefined }, mended(changed)), isWrongKey);
    }
  });

  it("refuses another key, and says that it is the key", async () => {
    const sealed = await seal(key, context, plaintext);
    await assert.rejects(open(otherKey, context, sealed), isWrongKey);
    for (const length of [0, 16, 31, 33, 64]) {
      await assert.rejects(open(new Uint8Array(length), context, sealed), isWrongKey);
      await assert.rejects(seal(new Uint8Array(length), context, plaintext), isWrongKey);
    }
  });

  it("refuses a record under another name or in another store", async () => {
    const sealed = await seal(key, { ...context, storeId: "ab", recordId: "c" }, plaintext);
    await assert.rejects(open(key, { storeId: "ab", recordId: "d" }, sealed), isBroken);
    await assert.rejects(open(key, { storeId: "ab", recordId: "" }, sealed), isBroken);
    await assert.rejects(open(key, { storeId: "ac", recordId: "c" }, sealed), isWrongKey);
    await assert.rejects(open(key, { storeId: "a", recordId: "bc" }, sealed), isWrongKey);
  });

  it("refuses another generation than the one that was asked for", async () => {
    const sealed = await seal(key, context, plaintext);
    await assert.rejects(open(key, { ...context, generation: 8 }, sealed), {
      code: "storage",
      message: "Cannot open the record: it is generation 7 where 8 was expected",
    });
    assert.equal((await open(key, { ...context, generation: undefined }, sealed)).generation, 7);
  });

  it("leaves a record of a newer release alone", async () => {
    const sealed = await seal(key, context, plaintext);
    for (const version of [2, 3, 255]) {
      sealed[10] = version;
      await assert.rejects(open(key, context, sealed.slice(0, 40)), {
        name: "TokenError",
        code: "storage",
        message: /written by a newer release/,
        nextStep: /Install the newest release/,
      });
    }
    sealed[10] = 0;
    await assert.rejects(open(key, context, sealed), isBroken);
  });

  it("hides the length of what is inside, to the KiB", async () => {
    const size = async (length: number) => (await seal(key, context, new Uint8Array(length))).length;
    for (const length of [0, 1, 500, 1020]) assert.equal(await size(length), HEADER + 1024 + 16);
    for (const length of [1021, 2044]) assert.equal(await size(length), HEADER + 2048 + 16);
    assert.equal(await size(2045), HEADER + 3072 + 16);
  });

  it("salts every write anew", async () => {
    const seals = await Promise.all(Array.from({ length: 100 }, () => seal(key, context, plaintext)));
    assert.equal(new Set(seals.map((sealed) => hex(sealed.subarray(19, 51)))).size, 100);
    assert.equal(new Set(seals.map((sealed) => hex(sealed.subarray(HEADER, HEADER + 32)))).size, 100);
  });

  it("does not seal what it could not open", async () => {
    for (const generation of [-1, 1.5, NaN, 2 ** 53]) {
      await assert.rejects(seal(key, { ...context, generation }, plaintext), { code: "invalid_argument" });
    }
    await assert.rejects(seal(key, { ...context, slots: new Uint8Array(31) }, plaintext), {
      code: "invalid_argument",
    });
  });

  it("leaves the bytes that it was given as they were", async () => {
    const sealed = await seal(key, context, plaintext);
    const before = hex(sealed);
    const within = new Uint8Array(sealed.length + 10);
    within.set(sealed, 5);
    const opened = await open(key, context, within.subarray(5, 5 + sealed.length));
    assert.deepEqual(opened.plaintext, plaintext);
    opened.plaintext.fill(0);
    await open(key, context, sealed);
    assert.equal(hex(sealed), before);
    assert.equal(hex(key), hex(Uint8Array.from({ length: 32 }, (_, at) => at)));
  });

  it("puts no secret into an error", async () => {
    const sealed = await seal(key, context, plaintext);
    sealed[HEADER] ^= 1;
    for (const wrong of [key, otherKey]) {
      const error = await open(wrong, context, sealed).then(() => assert.fail("it opened"), (error) => error);
      const shown = inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error);
      assert.doesNotMatch(shown, /secret that must not show/);
      assert.ok(!shown.includes(hex(key)) && !shown.includes(hex(otherKey)));
      assert.equal(error.cause, undefined);
      assert.ok(error.nextStep);
    }
  });
});

/** HMAC with SHA-256 (RFC 2104). */
async function hmac(key: Uint8Array, data: Uint8Array): Promise<Uint8Array> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", key.slice(), algorithm, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, data.slice()));
}

/** The second step of HKDF (RFC 5869 section 2.3), by hand: the code under test has it from Web Crypto. */
async function expanded(pseudorandomKey: Uint8Array, info: string, length: number): Promise<Uint8Array> {
  let output: number[] = [];
  let block: number[] = [];
  for (let count = 1; output.length < length; count++) {
    block = [
      ...await hmac(
        pseudorandomKey,
        Uint8Array.from([...block, ...new TextEncoder().encode(info), count]),
      ),
    ];
    output = [...output, ...block];
  }
  return Uint8Array.from(output.slice(0, length));
}

const SEALED_BY_VERSION_1 =
  "YXBleC1zdG9yZQEAAAAAAAAAAVUdojSUIene6MtiDcUSbGdB6JXvxUwMfwTpM3YhuQCXAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" +
  "AAAAAAAAAADwNC14DCTs3+DRMCh6LdSaOsBcI8CDPuVCR/iYA3NL9PFs/5z1vlhSRIpMs0OR8mSF04uUlOwMnsB/4A5nDamFRWEK" +
  "xSc88ntptpyZ7A7qxj2sEpHKbfkQotUD5lk8/imnUcfWMjtHQ/C/j6FEXjoYurht6pWDj2wIDPWqDGqdOYYRHOfc9p4d70B/uic2" +
  "Ln9a3Gp3dZO8ITwyon/CQw3GplTN/GbqiPIl8e27p6p4gdGV+90L6rHL++DOoxVVD1UoMKMTdBu4D+FyL79nvSbvR8MQPKYjT0bE" +
  "pY6bkiXVjUhEfmZgt0l4bm7+XV9QxA6nlKwImHzCLnOP+Zf9MFWv5HYkS5hVANseNUzO/Zlma4AoOKGNMJ/DVS56mwOR2lfV/+L3" +
  "5i3QJuB55B57bTg/tUyj6J9jOjZiX8bWOg6QmJqPvNKWGnqivzmg2vgFydaVgiqOOl7yCBYgZhO0GWXjyc/WwXDJyE2u1t+IwoEm" +
  "3phIb7QO7sb7wkTu9xmgwODkvWs3g7swmHxiwSFaTNuZva1GntbREjj3aPDNbrNtrwibwgvAv17AX/7c34Qyb9KI+0xZ5+IJdo+x" +
  "8EK/5eis6AywAKAhKpU6OmjwJXUXce9ZSNwj0s6cV8couH+wQne5eg+dQIbmiiMAS5GQsWQqXxliPCQ4Q+yARbNI6Zn/wk87fS+5" +
  "J8cZy55ZZaGbl107qYQ4VnKdldFexdB2emA85Nud7Il6+2Xn3gY9FUbf7RPwTCWM4/H3jSFlQpYqJDKGwNsuF8jAa+8DI6Tzb7rB" +
  "4L08rq4oPPw7hxiQxHPY/UHlYGauSWZeyhSDeVLhQrdemo5flzNJEd/R7WzI2rxUVz6bC0rbooEP0d5biRjNmbgjfo8vMtVeuYte" +
  "MJlsblVA9kjdqX7CkKrpkf/5htn8PZ5p47tg8jdjLtD6mv3qcLvcwy/W6SJtS41NGMMIL0isBnQDuoaoD1IzX3p5SytE7xKG8iTv" +
  "9kwHmrSzQrVmYt/CJmKvqmASRy+TeBWeYESSla9hTWX0ddVW4mNbWbVqv3q8JtTLGDqz0I/TKbITjjI+BD5aXxvL3x8on8CsJXgc" +
  "GQ/Lv72q0x/ijk90uUJQx06obNe6+J86/b7FQGN2abA9qVvM/4JSO0bxLwmZbF+pksPaSavuy8sbWV/1dal4JTIN4fIOgQ4WF/Bb" +
  "Zfnhva0mzYbK2NM5nNgGoN9MkoNds4sYjUXZd1YggHn53hqDc84fWt6j8E/mn5LhJHP98kqokKhdmRulkZCNVNt727iyBnvNT4Ct" +
  "0PZQ5ICujVWmgsR+BLvW/cn/gxxcbidCjoK338j9IrsjkKMZCJpMxzPErM2GgPH/Kb4rXdPmQ01hvbjcBAz9noAWgKcCyxB85MIe" +
  "bys1YwWzvoUhCK2k3y3g8kRZoNH/TvTtlDafWFNtwQXN2g==";
