/// <reference lib="deno.unstable" />

// Stores in Deno KV, for other processes: `deno run --unstable-kv deno_kv_store.ts PATH`. A store whose name begins
// with "lossy" loses the first answer to every commit, and sends it again, as a client of a database elsewhere does. In
// one whose name begins with "overtaken", a large value is written over while it is read.

import process from "node:process";
import { systemClock } from "../../../lib/clock.ts";
import { type DenoKv, type DenoKvAtomicOperation, denoKvStore } from "../../../lib/store/deno_kv.ts";
import { listen } from "../store_process.ts";

const kv = await Deno.openKv(process.argv[2]);
let passed = 0;
const clock = { ...systemClock, now: () => Date.now() + passed };

listen({
  open: (name) => denoKvStore(databaseOf(name), { prefix: name, clock, deadline: 120_000 }),
  more: {
    passTime: (milliseconds) => void (passed += milliseconds),
    entries: async () => {
      const keys: Deno.KvKey[] = [];
      for await (const { key } of kv.list({ prefix: [] })) keys.push(key);
      return keys;
    },
    removeOnePart: async () => {
      for await (const { key } of kv.list({ prefix: [] })) {
        if (key[1] === "part") return await kv.delete(key);
      }
    },
    close: () => kv.close(),
    // Here, where the bytes have no way to go.
    keepLarge: async (length) => {
      const store = denoKvStore(kv, { prefix: "large", clock, deadline: 120_000 });
      const before = await store.read("key");
      await store.compareAndSet("key", before?.version, new Uint8Array(length).fill(7));
      const { value } = (await store.read("key"))!;
      return value.length === length && value.every((byte) => byte === 7);
    },
    // What a writer leaves behind that died before it was done.
    leaveParts: async () => {
      await kv.set(["died", "part", "key", "0123456789abcdef", "0"], new Uint8Array(60_000));
    },
  },
});

function databaseOf(name: string): DenoKv {
  if (name.startsWith("lossy")) return lossy(kv);
  return name.startsWith("overtaken") ? overtaken(name) : kv;
}

function overtaken(prefix: string): DenoKv {
  const other = denoKvStore(kv, { prefix, clock });
  return {
    get: async (key, options) => {
      const entry = await kv.get(key, options);
      const parts = (entry.value as { parts?: number } | null)?.parts ?? 0;
      if (parts > 0) await other.compareAndSet(key[2], entry.versionstamp!, new Uint8Array([1, 2, 3]));
      return entry;
    },
    list: (selector, options) => kv.list(selector, options),
    atomic: () => kv.atomic(),
  };
}

function lossy(kv: Deno.Kv): DenoKv {
  const operation = (inner: Deno.AtomicOperation): DenoKvAtomicOperation => ({
    check: (...checks) => operation(inner.check(...checks)),
    set: (key, value, options) => operation(inner.set(key, value, options)),
    delete: (key) => operation(inner.delete(key)),
    commit: async () => {
      await inner.commit();
      return await inner.commit();
    },
  });
  return {
    get: (key, options) => kv.get(key, options),
    list: (selector, options) => kv.list(selector, options),
    atomic: () => operation(kv.atomic()),
  };
}
