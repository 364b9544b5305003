import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encryptedStore } from "../../lib/store/encrypted_store.ts";
import { open } from "../../lib/store/envelope.ts";
import { memoryStore } from "../../lib/store/memory.ts";
import { storeConformance } from "./conformance.ts";

const key = Uint8Array.from({ length: 32 }, (_, at) => at);
const otherKey = key.map((byte) => byte ^ 1);
const plaintext = new TextEncoder().encode('{"refresh_token":"a secret that must not show"}');
/** Bytes of the envelope before what it encrypts. */
const HEADER = 119;

let now = 0;
storeConformance(
  "encrypted memory",
  () =>
    encryptedStore(
      memoryStore({ clock: { now: () => now, monotonic: () => now, sleep: () => Promise.resolve() } }),
      key,
      "sessions",
    ),
  {
    passTime: (milliseconds) => {
      now += milliseconds;
    },
  },
);

describe("an encrypted store", () => {
  it("gives the store below nothing that can be read", async () => {
    const below = memoryStore();
    await encryptedStore(below, key, "sessions").compareAndSet("apex", undefined, plaintext);
    const kept = (await below.read("apex"))!.value;
    assert.equal(kept.length, HEADER + 1024 + 16);
    assert.doesNotMatch(new TextDecoder().decode(kept), /refresh_token|secret/);
    assert.deepEqual((await open(key, { storeId: "sessions", recordId: "apex" }, kept)).plaintext, plaintext);
  });

  it("counts the generation up with every write", async () => {
    const below = memoryStore();
    const store = encryptedStore(below, key, "sessions");
    const generation = async () =>
      (await open(key, { storeId: "sessions", recordId: "apex" }, (await below.read("apex"))!.value))
        .generation;
    let version = await store.compareAndSet("apex", undefined, plaintext);
    assert.equal(await generation(), 1);
    version = await store.compareAndSet("apex", version, plaintext);
    assert.equal(await generation(), 2);
    // The next process knows only what it read.
    const read = await encryptedStore(below, key, "sessions").read("apex");
    assert.equal(read?.version, version);
    await encryptedStore(below, key, "sessions").compareAndSet("apex", read?.version, plaintext);
    assert.equal(await generation(), 3);
  });

  it("promises what the store below promises, leases too", async () => {
    const below = memoryStore();
    assert.deepEqual(encryptedStore(below, key, "sessions").capabilities, below.capabilities);
    const lease = await encryptedStore(below, key, "sessions").lease!("apex", 60_000);
    assert.equal(await below.lease!("apex", 60_000), undefined);
    await lease?.release();
    assert.ok(await below.lease!("apex", 60_000));
    const { lease: _, ...without } = below;
    assert.equal(encryptedStore(without, key, "sessions").lease, undefined);
  });

  it("takes no key but 32 bytes: two texts of that length would be one key", async () => {
    for (
      const key of ["0123456789abcdef0123456789abcdef", new Uint8Array(31), Array(32).fill(1), undefined]
    ) {
      const given = key as Uint8Array;
      for (
        const store of [given, () => Promise.resolve(given)].map((one) =>
          encryptedStore(memoryStore(), one, "s")
        )
      ) {
        await assert.rejects(store.compareAndSet("apex", undefined, plaintext), {
          code: "key",
          message: /32 bytes/,
        });
        assert.equal(await store.read("apex"), undefined);
      }
    }
  });

  it("asks for the key when it needs it", async () => {
    let asked = 0;
    const store = encryptedStore(memoryStore(), () => Promise.resolve((asked++, key)), "sessions");
    assert.equal(await store.read("apex"), undefined);
    assert.equal(asked, 0);
    await store.compareAndSet("apex", undefined, plaintext);
    assert.deepEqual((await store.read("apex"))?.value, plaintext);
    assert.equal(asked, 2);
  });

  it("makes a write ready once, and salts each anew", async () => {
    const below = memoryStore();
    const asked: (string | undefined)[] = [];
    let takenBack = 0;
    const ready = { ...below, prepare: (...args: (string | undefined)[]) => (asked.push(...args), taken()) };
    const taken = () => Promise.resolve(() => void takenBack++);
    let keys = 0;
    const store = encryptedStore(ready, () => Promise.resolve((keys++, key)), "sessions");
    const kept = async () => (await below.read("apex"))!;
    const takeBack = await store.prepare!("apex", undefined);
    const first = await store.compareAndSet("apex", undefined, plaintext);
    assert.equal(keys, 1);
    const { value: one, version } = await kept();
    await store.prepare!("apex", first);
    assert.deepEqual(asked, ["apex", undefined, "apex", version]);
    // not what it was made ready for, then again what it would have been
    assert.equal(await store.compareAndSet("apex", "7:7", plaintext), undefined);
    const second = await store.compareAndSet("apex", first, plaintext);
    const { value: two } = await kept();
    await store.prepare!("apex", second);
    await store.compareAndSet("apex", second, plaintext);
    const { value: three } = await kept();
    const salts = [one, two, three].map((sealed) => sealed.slice(19, 51).join());
    assert.equal(new Set(salts).size, 3);
    for (const [at, sealed] of [one, two, three].entries()) {
      const opened = await open(key, { storeId: "sessions", recordId: "apex" }, sealed);
      assert.deepEqual(opened, { plaintext, generation: at + 1 });
    }
    takeBack();
    assert.equal(takenBack, 1);
  });

  it("writes all the same where nothing can be made ready", async () => {
    let isLocked = true;
    const locked = () => isLocked ? Promise.reject(new Error("the keyring is locked")) : Promise.resolve(key);
    const store = encryptedStore(memoryStore(), locked, "sessions");
    await assert.rejects(store.prepare!("apex", undefined), { message: "the keyring is locked" });
    assert.deepEqual((await store.prepare!("apex", "of nobody"))(), undefined);
    isLocked = false;
    assert.ok(await store.compareAndSet("apex", undefined, plaintext));
    assert.deepEqual((await store.read("apex"))?.value, plaintext);
  });

  it("passes on why there is no key", async () => {
    const below = memoryStore();
    await encryptedStore(below, key, "sessions").compareAndSet("apex", undefined, plaintext);
    const locked = encryptedStore(
      below,
      () => Promise.reject(new Error("the keyring is locked")),
      "sessions",
    );
    await assert.rejects(locked.read("apex"), { message: "the keyring is locked" });
    await assert.rejects(locked.compareAndSet("new", undefined, plaintext), {
      message: "the keyring is locked",
    });
    assert.equal(await below.read("new"), undefined);
  });

  it("refuses a record that was moved to another name", async () => {
    const below = memoryStore();
    const store = encryptedStore(below, key, "sessions");
    await store.compareAndSet("apex", undefined, plaintext);
    await below.compareAndSet("wlcg", undefined, (await below.read("apex"))!.value);
    await assert.rejects(store.read("wlcg"), { name: "TokenError", code: "storage", message: /broken/ });
  });

  it("removes a record that it cannot open", async () => {
    const below = memoryStore();
    await encryptedStore(below, otherKey, "sessions").compareAndSet("apex", undefined, plaintext);
    const store = encryptedStore(below, key, "sessions");
    await assert.rejects(store.read("apex"), { name: "TokenError", code: "key" });
    assert.equal(await store.remove("apex"), true);
    assert.ok(await store.compareAndSet("apex", undefined, plaintext));
  });
});
