import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isTokenError } from "../../lib/errors.ts";
import { decodeKeyRecord, encodeKeyRecord, type KeyRecord } from "../../lib/profile/key_record.ts";

const record: KeyRecord = {
  id: "00112233445566778899aabbccddeeff",
  slots: [
    { kind: "key-file", path: "/home/ada/store.key", wrapped: "AAAA" },
    { kind: "keyring", wrapped: "BBBB" },
    {
      kind: "passphrase",
      derivation: { kdf: "argon2id", memory: 65536, passes: 3, lanes: 1 },
      salt: "AAAAAAAAAAAAAAAAAAAAAA==",
      wrapped: "CCCC",
    },
  ],
};
const decode = (bytes: Uint8Array) => decodeKeyRecord(bytes, "/keys/p", "p");
const bytesOf = (text: string) => new TextEncoder().encode(text);
const isDamage = (error: unknown) =>
  isTokenError(error) && error.code === "key" && /\/keys\/p: it is damaged/.test(error.message) &&
  /apex-token login p/.test(error.nextStep ?? "");

/** A record with a good digest and whatever else in it. */
async function signed(body: string, version = 1): Promise<Uint8Array> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytesOf(body)));
  const hex = Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return bytesOf(`apex-token key record ${version} ${hex}\n${body}`);
}

describe("a key record", () => {
  it("is read as it was written", async () => {
    assert.deepEqual(await decode(await encodeKeyRecord(record)), record);
  });

  it("is refused with any single bit flipped", async () => {
    const whole = await encodeKeyRecord(record);
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const flipped = whole.slice();
      flipped[bit >> 3] ^= 1 << (bit & 7);
      await assert.rejects(decode(flipped), isTokenError, `bit ${bit}`);
    }
  });

  it("is refused when a part of it is gone", async () => {
    const whole = await encodeKeyRecord(record);
    for (const length of [0, 1, 20, 60, 90, 91, 200, whole.length - 1]) {
      await assert.rejects(decode(whole.subarray(0, length)), isDamage, String(length));
    }
  });

  it("of a newer release is not taken for a damaged one", async () => {
    await assert.rejects(
      decode(await signed(JSON.stringify({ something: "new" }), 2)),
      (error) => isTokenError(error) && error.code === "storage" && /newer release/.test(error.message),
    );
  });

  it("is refused when it says what no record says", async () => {
    const bodies: unknown[] = [
      {},
      { ...record, slots: [] },
      { ...record, id: "../../etc" },
      { ...record, more: true },
      { ...record, slots: [{ kind: "hope", wrapped: "AAAA" }] },
      { ...record, slots: [{ kind: "keyring", wrapped: "<" }] },
      {
        ...record,
        slots: [{ ...record.slots[2], derivation: { kdf: "argon2id", memory: -1, passes: 3, lanes: 1 } }],
      },
    ];
    for (const body of bodies) await assert.rejects(decode(await signed(JSON.stringify(body))), isDamage);
    await assert.rejects(decode(await signed("no JSON")), isDamage);
  });
});
