import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { FencedStore } from "../../lib/store/connection.ts";
import { eventually } from "./eventually.ts";
import { type RedisServer, startRedis } from "./redis_server.ts";
import { startStoreProcess, type StoreProcess } from "./store_process.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value);

describe("two processes on one Redis", () => {
  let server: RedisServer;
  let processes: StoreProcess[];

  before(async () => {
    server = await startRedis();
    // One with each package.
    processes = await Promise.all(
      ["ioredis", "redis"].map((name) => startStoreProcess("redis_store", [name, server.socket])),
    );
  });

  after(async () => {
    await Promise.all(processes?.map((process) => process.kill()) ?? []);
    await server?.close();
  });

  const stores = (name: string) => Promise.all(processes.map((process) => process.open(name)));

  it("have one winner each time that both write from one version", async () => {
    const both = await stores("race");
    let version: string | undefined;
    const wins = [0, 0];
    for (let round = 0; round < 60; round++) {
      const versions = await Promise.all(
        both.map((store, writer) => store.compareAndSet("key", version, bytes(`${round} by ${writer}`))),
      );
      const winner = versions.findIndex((version) => version !== undefined);
      assert.equal(versions.filter((version) => version !== undefined).length, 1, `round ${round}`);
      wins[winner]++;
      version = versions[winner];
      for (const store of both) {
        assert.deepEqual(await store.read("key"), { version, value: bytes(`${round} by ${winner}`) });
      }
    }
    assert.equal(wins[0] + wins[1], 60);
  });

  it("lose no step of a count that both take", async () => {
    const walk = async (store: FencedStore) => {
      for (let taken = 0; taken < 50;) {
        const before = await store.read("count");
        const next = bytes(String(Number(text(before?.value) ?? 0) + 1));
        if (await store.compareAndSet("count", before?.version, next)) taken++;
      }
    };
    const [one, other] = await stores("count");
    await Promise.all([walk(one), walk(one), walk(other), walk(other)]);
    assert.equal(text((await one.read("count"))?.value), "200");
  });

  it("have one holder of a lease at a time, each later one with a higher fencing version", async () => {
    const both = await stores("lease");
    let last = "";
    for (let round = 0; round < 60; round++) {
      const leases = await Promise.all(both.map((store) => store.lease("key", 600_000)));
      const given = leases.flatMap((lease) => lease ?? []);
      assert.equal(given.length, 1, `round ${round}`);
      assert.ok(given[0].fence > last, `${given[0].fence} after ${last}`);
      last = given[0].fence;
      // Who has none cannot give it back either.
      assert.equal(await both[leases.indexOf(given[0]) ^ 1].lease("key", 600_000), undefined);
      await given[0].release();
    }
  });

  it("go on when the one who has the lease is killed: it ends by itself", async () => {
    const doomed = await startStoreProcess("redis_store", ["ioredis", server.socket]);
    const [one] = await stores("killed");
    const version = await one.compareAndSet("key", undefined, bytes("old"));
    const lease = await (await doomed.open("killed")).lease("key", 300);
    assert.ok(lease);
    await doomed.kill();
    const next = await eventually(() => one.lease("key", 600_000));
    assert.ok(next.fence > lease.fence);
    assert.ok(await one.compareAndSet("key", version, bytes("new")));
  });
});
