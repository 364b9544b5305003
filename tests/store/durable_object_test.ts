import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { workerd } from "../../scripts/toolchain.ts";
import type { FencedStore } from "../../lib/store/connection.ts";
import { durableObjectStore, type DurableObjectStub } from "../../lib/store/durable_object.ts";
import { encryptedStore } from "../../lib/store/encrypted_store.ts";
import { requireForRefreshTokens } from "../../lib/store/requirements.ts";
import { fakeClock } from "../fake_clock.ts";
import { type RunningProcess, startProcess } from "../process.ts";
import { bundle } from "../runtimes/bundle.ts";
import { storeConformance } from "./conformance.ts";
import { fencedStoreConformance } from "./fenced_conformance.ts";
import { eventually } from "./eventually.ts";
import { holdsPlaintext } from "./plaintext.ts";
import { quietFiles } from "./quiet_files.ts";
import { type RemoteStores, remoteStores } from "./served_store.ts";
import { inSlowTime, slowly } from "./slow_time.ts";
import { kill, LIFETIME, post } from "./store_process.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value);
const masterKey = Uint8Array.from({ length: 32 }, (_, at) => at);

/** No `compatibilityFlags`: above all no `nodejs_compat`. */
const configuration = `
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "disk", disk = (path = "disk", writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);

const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "2024-09-23",
  durableObjectNamespaces = [
    (className = "ClockedObject", uniqueKey = "clocked", enableSql = true),
    (className = "PlainObject", uniqueKey = "plain"),
    (className = "TokenStoreObject", uniqueKey = "real", enableSql = true),
  ],
  durableObjectStorage = (localDisk = "disk"),
  bindings = [
    (name = "SQLITE", durableObjectNamespace = "ClockedObject"),
    (name = "PLAIN", durableObjectNamespace = "PlainObject"),
    (name = "REAL", durableObjectNamespace = "TokenStoreObject"),
  ],
);
`;

let folder: string;
let running: RunningProcess;
let worker: RemoteStores;
let stores = 0;
/** A store that no test has used. */
const newStore = (kind = "sqlite") => worker.open(`${kind}-${++stores}`);
const passTime = async (milliseconds: number) => void await worker.more("passTime", milliseconds);

async function start(): Promise<void> {
  running = startProcess(workerd(), ["serve", "--control-fd=1", "config.capnp"], {
    cwd: folder,
    timeout: LIFETIME,
  });
  const port = Number((await running.waitFor("stdout", /"socket":"http","port":(\d+)/))[1]);
  worker = remoteStores((body) => post(port, body));
}

describe("Durable Objects in workerd, without Node's modules", () => {
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "apex-token-objects-"));
    await mkdir(join(folder, "disk"));
    const entry = fileURLToPath(new URL("programs/durable_object_worker.ts", import.meta.url));
    await bundle({ entry, outfile: join(folder, "worker.js") });
    await writeFile(join(folder, "config.capnp"), configuration);
    await start();
  });

  after(async () => {
    if (running) await kill(running);
    await rm(folder, { recursive: true, force: true });
  });

  storeConformance("a Durable Object on SQLite", async () => inSlowTime(await newStore("sqlite")), {
    passTime: slowly(passTime),
  });
  storeConformance("a Durable Object on plain storage", async () => inSlowTime(await newStore("plain")), {
    passTime: slowly(passTime),
  });
  storeConformance(
    "an encrypted Durable Object",
    async () => encryptedStore(inSlowTime(await newStore()), masterKey, "sessions"),
    { passTime: slowly(passTime) },
  );

  describe("a store in Durable Objects", aStore);
  describe("a Durable Object that fails", thatFails);
});

function aStore(): void {
  it("can keep a refresh token, and needs nothing that only some runtimes have", async () => {
    requireForRefreshTokens(await newStore());
    assert.equal(await worker.more("extras"), 0);
    assert.equal(await worker.more("strange"), 404);
  });

  for (const kind of ["sqlite", "plain", "real"]) {
    it(`still has everything after workerd was killed: ${kind}`, async () => {
      const store = await worker.open(`${kind}-killed`);
      const large = new Uint8Array(300_000).fill(7);
      const largeVersion = await store.compareAndSet("large", undefined, large);
      let version = await store.compareAndSet("key", undefined, bytes("0"));
      for (let write = 1; write <= 20; write++) {
        version = await store.compareAndSet("key", version, bytes(String(write)));
      }
      const lease = await store.lease("key", 600_000);
      await kill(running);
      await start();
      const again = await worker.open(`${kind}-killed`);
      assert.deepEqual(await again.read("key"), { version, value: bytes("20") });
      assert.deepEqual(await again.read("large"), { version: largeVersion, value: large });
      assert.equal(await again.lease("key", 60_000), undefined);
      // Whoever had the lease and lives on still writes, and what it writes has a higher number.
      const next = await again.compareAndSet("key", version, bytes("21"));
      assert.ok(next! > lease!.fence && lease!.fence > version!);
    });
  }

  it("keeps stores with different prefixes apart", async () => {
    const [one, other] = [await newStore(), await newStore()];
    await one.compareAndSet("key", undefined, bytes("one"));
    assert.equal(await other.read("key"), undefined);
  });

  it("leaves nothing of a value that was written over or removed, but the number", async () => {
    const store = await worker.open("sqlite-names");
    const names = () => worker.more("names");
    const first = await store.compareAndSet("key", undefined, new Uint8Array(250_000));
    assert.deepEqual(await names(), ["count", "kept", "part:0", "part:1", "part:2"]);
    await store.compareAndSet("key", first, bytes("small"));
    assert.deepEqual(await names(), ["count", "kept", "part:0"]);
    const lease = await store.lease("key", 60_000);
    assert.deepEqual(await names(), ["count", "held", "kept", "part:0"]);
    await lease?.release();
    await store.remove("key");
    assert.deepEqual(await names(), ["count"]);
  });

  fencedStoreConformance(newStore, passTime);

  it("gives a lease again when its time is over by the clock of the machine", async () => {
    const store = await newStore("real");
    const start = performance.now();
    assert.ok(await store.lease("key", 60));
    await eventually(() => store.lease("key", 60_000));
    assert.ok(performance.now() - start >= 50, `${performance.now() - start} ms`);
  });

  it("writes once, and says the version, when the answer was lost", async () => {
    const store = await newStore("lossy");
    const first = await store.compareAndSet("key", undefined, bytes("one"));
    const second = await store.compareAndSet("key", first, bytes("two"));
    assert.deepEqual(await store.read("key"), { version: second, value: bytes("two") });
    assert.match(`${first} ${second}`, /^0{15}1-\S+ 0{15}2-\S+$/);
  });

  it("says which value is too large", async () => {
    await assert.rejects((await newStore()).compareAndSet("key", undefined, new Uint8Array(12_288_001)), {
      code: "storage",
      message: "Cannot use the Durable Object: the value is too large for it",
    });
  });

  it("gives an encrypted store's objects nothing that can be read", async () => {
    const [open, sealed] = ["open secret of a session", "sealed secret of a session"];
    for (const kind of ["sqlite", "plain"]) {
      await (await newStore(kind)).compareAndSet("apex", undefined, bytes(open));
      const encrypted = encryptedStore(await newStore(kind), masterKey, "sessions");
      await encrypted.compareAndSet("apex", undefined, bytes(sealed));
      assert.equal(text((await encrypted.read("apex"))?.value), sealed);
    }
    const files = await quietFiles(join(folder, "disk"), running.pid!);
    // The two prove that the others would have been found.
    assert.ok(files.filter((file) => holdsPlaintext(file, open)).length >= 2);
    assert.ok(!files.some((file) => holdsPlaintext(file, sealed)));
  });
}

function thatFails(): void {
  const calls: Readonly<Record<string, (store: FencedStore) => Promise<unknown>>> = {
    read: (store) => store.read("key"),
    compareAndSet: (store) => store.compareAndSet("key", undefined, bytes("one")),
    remove: (store) => store.remove("key"),
    lease: (store) => store.lease("key", 60_000),
  };
  const answering = (fetch: DurableObjectStub["fetch"]) => ({
    idFromName: (name: string) => name,
    get: () => ({ fetch }),
  });

  for (const [name, call] of Object.entries(calls)) {
    it(`is not waited for longer than two seconds, and is told so: ${name}`, async () => {
      const clock = fakeClock();
      let signal: AbortSignal | undefined;
      const silent = answering((_, init) => {
        signal = init.signal;
        return new Promise(() => {});
      });
      const failing = assert.rejects(call(durableObjectStore(silent, { clock })), {
        code: "storage",
        message: /^Cannot .+: no answer came within 2 s$/,
        retryable: true,
      });
      await clock.untilWaiting();
      assert.equal(signal?.aborted, false);
      await clock.advance(2000);
      await failing;
      assert.equal(signal?.aborted, true);
    });

    it(`is an error of ours that holds nothing of what was sent: ${name}`, async () => {
      const failing = answering(() => Promise.reject(new TypeError("secret")));
      await assert.rejects(call(durableObjectStore(failing, { deadline: 50 })), {
        name: "TokenError",
        code: "storage",
        message: /^Cannot .+: TypeError$/,
      });
      const strange = answering(() => Promise.resolve(new Response("secret", { status: 500 })));
      await assert.rejects(call(durableObjectStore(strange)), {
        code: "storage",
        message: "Cannot use the Durable Object: the object answered with status 500",
        retryable: true,
      });
    });
  }

  it("does no harm when a lease is given back", async () => {
    let failing = false;
    const store = durableObjectStore(
      answering(() => failing ? Promise.reject(new Error("gone")) : Promise.resolve(new Response("1"))),
    );
    const lease = await store.lease("key", 60_000);
    failing = true;
    await lease?.release();
  });
}
