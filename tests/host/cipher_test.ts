import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toHex } from "../../lib/bytes.ts";
import { threadCipher } from "../../lib/host/cipher.ts";
import { encryptedStore, storeEncryptedBy } from "../../lib/store/encrypted_store.ts";
import { open, sealer } from "../../lib/store/envelope.ts";
import { memoryStore } from "../../lib/store/memory.ts";

const key = Uint8Array.from({ length: 32 }, (_, at) => at);

describe("the cipher on this thread", () => {
  it("is AES-256-GCM, with the tag behind the ciphertext (NIST, test case 14)", async () => {
    const encrypt = await threadCipher(new Uint8Array(32), new Uint8Array(12), new Uint8Array());
    assert.equal(
      toHex(await encrypt(new Uint8Array(16))),
      "cea7403d4d606b6e074ec5d3baf39d18" + "d0d1c8a799996bf0265b98b5d48ab919",
    );
  });

  it("makes the record that Web Crypto makes under the same key, nonce and names", async () => {
    const plaintext = Uint8Array.from({ length: 5000 }, (_, at) => at);
    const names = { storeId: "sessions", recordId: "p" };
    let web: Uint8Array | undefined;
    const seal = await sealer(key, { ...names, generation: 7 }, async (...ready) => {
      const [encrypt, imported] = [
        await threadCipher(...ready),
        await crypto.subtle.importKey("raw", ready[0], "AES-GCM", false, ["encrypt"]),
      ];
      const [, iv, additionalData] = ready;
      return async (padded) => {
        web = new Uint8Array(
          await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData }, imported, padded),
        );
        return encrypt(padded);
      };
    });
    const sealed = await seal(plaintext);
    assert.deepEqual(sealed.slice(-web!.length), web);
    assert.deepEqual(await open(key, names, sealed), { plaintext, generation: 7 });
  });

  it("encrypts once: a second plaintext under one nonce would give both away", async () => {
    const seal = await sealer(key, { storeId: "sessions", recordId: "p", generation: 1 }, threadCipher);
    await seal(new Uint8Array(8));
    await assert.rejects(seal(new Uint8Array(8)));
  });

  it("writes what a store with Web Crypto's reads, and the other way round, made ready or not", async () => {
    const below = memoryStore();
    const thread = storeEncryptedBy(threadCipher, below, key, "sessions");
    const web = encryptedStore(below, key, "sessions");
    let version: string | undefined;
    for (const [round, store] of [thread, web, thread].entries()) {
      if (round === 2) await store.prepare!("p", version);
      version = await store.compareAndSet("p", version, Uint8Array.of(round));
      for (const reader of [thread, web]) {
        assert.deepEqual(await reader.read("p"), { version, value: Uint8Array.of(round) });
      }
    }
  });
});
