import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { FencedStore } from "../../lib/store/connection.ts";
import { type DenoKv, denoKvStore } from "../../lib/store/deno_kv.ts";
import { encryptedStore } from "../../lib/store/encrypted_store.ts";
import { requireForRefreshTokens } from "../../lib/store/requirements.ts";
import { fakeClock } from "../fake_clock.ts";
import { storeConformance } from "./conformance.ts";
import { fencedStoreConformance } from "./fenced_conformance.ts";
import { holdsPlaintext } from "./plaintext.ts";
import { inSlowTime, slowly } from "./slow_time.ts";
import { startStoreProcess, type StoreProcess } from "./store_process.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value);
const masterKey = Uint8Array.from({ length: 32 }, (_, at) => at);

let folder: string;
let process: StoreProcess;
let stores = 0;
const database = () => join(folder, "kv");
const startProcess = (path = database()) => startStoreProcess("deno_kv_store", [path], ["--unstable-kv"]);
/** A store that no test has used. */
const newStore = (name = "test") => process.open(`${name}-${++stores}`);
const passTime = async (milliseconds: number) => void await process.more("passTime", milliseconds);

// Only Deno has it: on every runtime of this test the stores are in a process of Deno.
describe("Deno KV", () => {
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "apex-token-kv-"));
    process = await startProcess();
  });

  after(async () => {
    await process?.kill();
    await rm(folder, { recursive: true, force: true });
  });

  storeConformance("Deno KV", async () => inSlowTime(await newStore()), { passTime: slowly(passTime) });
  storeConformance(
    "encrypted Deno KV",
    async () => encryptedStore(inSlowTime(await newStore()), masterKey, "sessions"),
    { passTime: slowly(passTime) },
  );

  describe("a store in Deno KV", aStore);
  describe("a value larger than an entry of Deno KV", largeValues);
  describe("two processes on one database of Deno KV", twoProcesses);
  describe("a database of Deno KV that does not answer", doesNotAnswer);
});

function aStore(): void {
  it("is durable, unless its owner says that it is in memory", async () => {
    requireForRefreshTokens(await newStore());
    const { capabilities } = denoKvStore(neverAnswers, { durable: false });
    assert.deepEqual(capabilities, { compareAndSet: true, lease: true, durable: false, strongRead: true });
  });

  it("begins every key with its prefix, and leaves nothing of what was removed", async () => {
    const store = await process.open("prefix");
    await store.compareAndSet("key", undefined, bytes("one"));
    const lease = await store.lease("key", 60_000);
    const entries = async () =>
      (await process.more("entries") as string[][]).filter(([at]) => at === "prefix");
    assert.deepEqual(await entries(), [["prefix", "lease", "key"], ["prefix", "value", "key"]]);
    await store.remove("key");
    await lease?.release();
    assert.deepEqual(await entries(), []);
  });

  fencedStoreConformance(newStore, passTime);

  it("still has everything after its process was killed", async () => {
    const store = await process.open("killed");
    let version = await store.compareAndSet("key", undefined, bytes("0"));
    for (let write = 1; write <= 20; write++) {
      version = await store.compareAndSet("key", version, bytes(String(write)));
    }
    const lease = await store.lease("key", 600_000);
    await process.kill();
    process = await startProcess();
    const again = await process.open("killed");
    assert.deepEqual(await again.read("key"), { version, value: bytes("20") });
    assert.equal(await again.lease("key", 60_000), undefined);
    // Longer: the clock of the process that was killed had gone ahead.
    await passTime(86_400_000);
    assert.ok((await again.lease("key", 60_000))!.fence > lease!.fence);
  });

  it("gives an encrypted store's database nothing that can be read", async () => {
    const [open, sealed] = ["open secret of a session", "sealed secret of a session"];
    await (await newStore()).compareAndSet("apex", undefined, bytes(open));
    const encrypted = encryptedStore(await newStore(), masterKey, "sessions");
    await encrypted.compareAndSet("apex", undefined, bytes(sealed));
    assert.equal(text((await encrypted.read("apex"))?.value), sealed);
    const files = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name))));
    // The one proves that the other would have been found.
    assert.ok(files.some((file) => holdsPlaintext(file, open)));
    assert.ok(!files.some((file) => holdsPlaintext(file, sealed)));
  });

  it("gives the version and the lease to whoever got them, when the answer was lost", async () => {
    const store = await newStore("lossy");
    let version: string | undefined;
    for (const value of ["one", "two", "three"]) {
      const next = await store.compareAndSet("key", version, bytes(value));
      assert.deepEqual(await store.read("key"), { version: next, value: bytes(value) });
      version = next;
    }
    const lease = await store.lease("key", 60_000);
    assert.ok(lease && lease.fence > version!);
    assert.equal(await store.lease("key", 60_000), undefined);
    await lease.release();
    assert.ok(await store.lease("key", 60_000));
  });

  it("says at once what does not pass", async () => {
    const alone = await startProcess(join(folder, "closed"));
    try {
      const store = await alone.open("closed");
      await assert.rejects(store.compareAndSet("k".repeat(3000), undefined, bytes("one")), {
        code: "storage",
        message: "Cannot write to Deno KV: the name of the key is too long",
      });
      await alone.more("close");
      await assert.rejects(store.read("key"), {
        code: "storage",
        message: "Cannot read from Deno KV: it is closed",
      });
    } finally {
      await alone.kill();
    }
  });

  it("is a store in memory too", async () => {
    const inMemory = await startProcess(":memory:");
    try {
      const store = await inMemory.open("memory");
      const version = await store.compareAndSet("key", undefined, bytes("one"));
      assert.deepEqual(await store.read("key"), { version, value: bytes("one") });
    } finally {
      await inMemory.kill();
    }
  });
}

function largeValues(): void {
  const large = (byte: number, length = 65_000) => new Uint8Array(length).fill(byte);
  const partsOf = async (name: string) =>
    (await process.more("entries") as string[][]).filter(([prefix, kind]) =>
      prefix === name && kind === "part"
    );

  it("is kept whole around the size of an entry, and up to 5.6 MiB", async () => {
    for (const length of [61_439, 61_440, 61_441, 122_880, 122_881, 96 * 61_440]) {
      assert.equal(await process.more("keepLarge", length), true, `${length} bytes`);
    }
    await assert.rejects(process.more("keepLarge", 96 * 61_440 + 1), {
      code: "storage",
      message: "Cannot write to Deno KV: the value has 5898241 bytes, the limit is 5898240",
    });
  });

  it("leaves nothing behind when it is written over, refused or removed", async () => {
    const store = await process.open("swept");
    const first = await store.compareAndSet("key", undefined, large(1));
    assert.equal((await partsOf("swept")).length, 2);
    const second = await store.compareAndSet("key", first, large(2));
    assert.equal((await partsOf("swept")).length, 2);
    const writers = Array.from({ length: 4 }, (_, byte) => store.compareAndSet("key", second, large(byte)));
    const written = (await Promise.all(writers)).filter((version) => version !== undefined);
    assert.equal(written.length, 1);
    assert.equal((await partsOf("swept")).length, 2);
    const small = await store.compareAndSet("key", written[0], bytes("small"));
    assert.equal((await partsOf("swept")).length, 0);
    await store.compareAndSet("key", small, large(3));
    assert.equal(await store.remove("key"), true);
    assert.equal((await partsOf("swept")).length, 0);
  });

  it("takes away what a writer left that died", async () => {
    const store = await process.open("died");
    await process.more("leaveParts");
    await store.compareAndSet("key", undefined, large(1));
    assert.equal((await partsOf("died")).length, 2);
    assert.deepEqual((await store.read("key"))?.value, large(1));
  });

  it("is never read in part while others write", async () => {
    const store = await newStore();
    await store.compareAndSet("key", undefined, large(0));
    let writing = true;
    const write = async () => {
      for (let write = 1; write <= 12; write++) {
        const before = await store.read("key");
        // Small ones too: then the parts go away altogether.
        const next = write % 3 === 0 ? large(write, 10) : large(write);
        assert.ok(await store.compareAndSet("key", before?.version, next));
      }
      writing = false;
    };
    const read = async () => {
      let reads = 0;
      for (; writing; reads++) {
        const { value } = (await store.read("key"))!;
        assert.ok(value.every((byte) => byte === value[0]));
        assert.ok(value.length === (value[0] % 3 === 0 && value[0] > 0 ? 10 : 65_000));
      }
      return reads;
    };
    const [, ...reads] = await Promise.all([write(), read(), read(), read()]);
    assert.ok(reads.every((count) => count > 0));
  });

  it("is read anew when somebody writes over it in the middle of reading", async () => {
    const store = await newStore("overtaken");
    await store.compareAndSet("key", undefined, large(1));
    assert.deepEqual((await store.read("key"))?.value, new Uint8Array([1, 2, 3]));
  });

  it("is called broken when a part of it is gone", async () => {
    const alone = await startProcess(join(folder, "broken"));
    try {
      const store = await alone.open("broken");
      const version = await store.compareAndSet("key", undefined, large(1));
      await alone.more("removeOnePart");
      await assert.rejects(store.read("key"), { code: "storage", message: /a part of the value is gone/ });
      assert.ok(await store.compareAndSet("key", version, bytes("new")));
      assert.equal(text((await store.read("key"))?.value), "new");
    } finally {
      await alone.kill();
    }
  });
}

function twoProcesses(): void {
  let both: StoreProcess[];

  before(async () => {
    const path = join(folder, "shared");
    both = [await startProcess(path), await startProcess(path)];
  });

  after(() => Promise.all(both?.map((process) => process.kill()) ?? []));

  it("have one winner each time that both write from one version", async () => {
    const stores = await Promise.all(both.map((process) => process.open("race")));
    let version: string | undefined;
    for (let round = 0; round < 30; round++) {
      const written = (await Promise.all(
        stores.map((store, writer) => store.compareAndSet("key", version, bytes(`${round} by ${writer}`))),
      )).filter((version) => version !== undefined);
      assert.equal(written.length, 1, `round ${round}`);
      version = written[0];
    }
  });

  it("have one holder of a lease at a time, each later one with a higher fencing version", async () => {
    const stores = await Promise.all(both.map((process) => process.open("lease")));
    let fence = "";
    for (let round = 0; round < 30; round++) {
      const given = (await Promise.all(stores.map((store) => store.lease("key", 600_000))))
        .flatMap((lease) => lease ?? []);
      assert.equal(given.length, 1, `round ${round}`);
      assert.ok(given[0].fence > fence);
      fence = given[0].fence;
      await given[0].release();
    }
  });

  it("lose no step of a count that both take", async () => {
    await countTogether(await Promise.all(both.map((process) => process.open("count"))));
  });
}

async function countTogether(stores: FencedStore[]): Promise<void> {
  await Promise.all(stores.map(async (store) => {
    for (let taken = 0; taken < 25;) {
      const before = await store.read("count");
      const next = bytes(String(Number(text(before?.value) ?? 0) + 1));
      if (await store.compareAndSet("count", before?.version, next)) taken++;
    }
  }));
  assert.equal(text((await stores[0].read("count"))?.value), String(25 * stores.length));
}

/** What a connection is that nobody answers on. */
const silence = () => new Promise<never>(() => {});
const neverAnswers: DenoKv = {
  get: silence,
  list: async function* () {
    yield await silence();
  },
  atomic: () => ({ ...neverAnswers.atomic(), commit: silence }),
};

function doesNotAnswer(): void {
  const calls: Readonly<Record<string, (store: FencedStore) => Promise<unknown>>> = {
    read: (store) => store.read("key"),
    compareAndSet: (store) => store.compareAndSet("key", undefined, bytes("one")),
    remove: (store) => store.remove("key"),
    lease: (store) => store.lease("key", 60_000),
  };
  for (const [name, call] of Object.entries(calls)) {
    it(`is not waited for longer than two seconds: ${name}`, async () => {
      const clock = fakeClock();
      const failing = assert.rejects(call(denoKvStore(neverAnswers, { clock })), {
        code: "storage",
        message: /Deno KV.*: no answer came within 2 s/,
        retryable: true,
      });
      await clock.untilWaiting();
      await clock.advance(2000);
      await failing;
    });
  }
}
