import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Blobs, blobStore } from "../../lib/store/blob.ts";
import { encryptedStore } from "../../lib/store/encrypted_store.ts";
import { requireForRefreshTokens } from "../../lib/store/requirements.ts";
import { fakeClock } from "../fake_clock.ts";
import { storeConformance } from "./conformance.ts";
import { holdsPlaintext } from "./plaintext.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value);
const masterKey = Uint8Array.from({ length: 32 }, (_, at) => at);

/** Bytes under names, as Cloudflare KV gives them back. */
function namedBlobs(): Blobs & { readonly all: Map<string, ArrayBuffer> } {
  const all = new Map<string, ArrayBuffer>();
  return {
    all,
    get: (name) => Promise.resolve(all.get(name)?.slice() ?? null),
    put: (name, bytes) => Promise.resolve(void all.set(name, bytes.slice().buffer)),
    delete: (name) => Promise.resolve(void all.delete(name)),
  };
}

// Within one program it is a store like any other.
storeConformance("blobs", () => blobStore(namedBlobs()));
storeConformance("encrypted blobs", () => encryptedStore(blobStore(namedBlobs()), masterKey, "sessions"));

describe("a store in blobs", () => {
  it("says what it cannot do, and so is refused for refresh tokens", () => {
    const store = blobStore(namedBlobs());
    assert.deepEqual(store.capabilities, {
      compareAndSet: false,
      lease: false,
      durable: true,
      strongRead: false,
    });
    assert.throws(() => requireForRefreshTokens(store), { code: "unsupported" });
    assert.throws(() => requireForRefreshTokens(encryptedStore(store, masterKey, "sessions")), {
      code: "unsupported",
    });
  });

  it("lets two programs both win, as it says", async () => {
    const blobs = namedBlobs();
    const [one, other] = [blobStore(blobs), blobStore(blobs)];
    const versions = await Promise.all(
      [one, other].map((store) => store.compareAndSet("key", undefined, bytes("one"))),
    );
    assert.ok(versions.every((version) => version !== undefined));
  });

  it("begins every name with its prefix, in characters that every place takes", async () => {
    const blobs = namedBlobs();
    const keys = [".", "..", "a/b", "ä", "a b", "a:b", "plain-key_1"];
    for (const key of keys) await blobStore(blobs).compareAndSet(key, undefined, bytes(key));
    await blobStore(blobs, { prefix: "mine/" }).compareAndSet("key", undefined, bytes("one"));
    assert.deepEqual([...blobs.all.keys()], [
      "apex-token:%2E",
      "apex-token:%2E%2E",
      "apex-token:a%2Fb",
      "apex-token:%C3%A4",
      "apex-token:a%20b",
      "apex-token:a%3Ab",
      "apex-token:plain-key_1",
      "mine/key",
    ]);
  });

  it("gives an encrypted store's place nothing that can be read", async () => {
    const blobs = namedBlobs();
    await blobStore(blobs).compareAndSet("open", undefined, bytes("open secret of a session"));
    const encrypted = encryptedStore(blobStore(blobs), masterKey, "sessions");
    await encrypted.compareAndSet("sealed", undefined, bytes("sealed secret of a session"));
    assert.equal(text((await encrypted.read("sealed"))?.value), "sealed secret of a session");
    const kept = [...blobs.all.values()].map((buffer) => new Uint8Array(buffer));
    assert.ok(kept.some((bytes) => holdsPlaintext(bytes, "open secret of a session")));
    assert.ok(!kept.some((bytes) => holdsPlaintext(bytes, "sealed secret of a session")));
  });

  it("says so when something else is under its names", async () => {
    const blobs = namedBlobs();
    await blobs.put("apex-token:key", bytes("short"));
    await assert.rejects(blobStore(blobs).read("key"), {
      code: "storage",
      message: /was not written by this store/,
    });
  });

  it("lets the next writer go on when one has failed", async () => {
    const blobs = namedBlobs();
    let failures = 1;
    const store = blobStore({
      ...blobs,
      put: (name, bytes) =>
        failures-- > 0 ? Promise.reject(new RangeError("secret")) : blobs.put(name, bytes),
    });
    const [failed, done] = await Promise.allSettled([
      store.compareAndSet("key", undefined, bytes("one")),
      store.compareAndSet("key", undefined, bytes("two")),
    ]);
    assert.equal(failed.status === "rejected" && failed.reason.message, "Cannot write a value: RangeError");
    assert.equal(done.status === "fulfilled" && typeof done.value, "string");
    assert.equal(text((await store.read("key"))?.value), "two");
  });

  it("does not wait for longer than two seconds", async () => {
    const clock = fakeClock();
    const silence = () => new Promise<never>(() => {});
    const store = blobStore({ get: silence, put: silence, delete: silence }, { clock });
    for (
      const call of [
        () => store.read("key"),
        () => store.compareAndSet("key", undefined, bytes("one")),
        () => store.remove("key"),
      ]
    ) {
      const failing = assert.rejects(call(), {
        code: "storage",
        message: "Cannot read a value: no answer came within 2 s",
      });
      await clock.untilWaiting();
      await clock.advance(2000);
      await failing;
    }
  });
});
