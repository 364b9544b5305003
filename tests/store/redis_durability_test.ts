import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { FencedStore } from "../../lib/store/connection.ts";
import { redisStore } from "../../lib/store/redis.ts";
import { requireForRefreshTokens } from "../../lib/store/requirements.ts";
import { type FakeClock, fakeClock } from "../fake_clock.ts";
import { passing } from "../session/shared_store.ts";
import { connect, redisPackages } from "./redis_clients.ts";
import { type RedisServer, startRedis } from "./redis_server.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const numberIn = (value: Uint8Array | undefined) => Number(value ? new TextDecoder().decode(value) : 0);

for (const name of redisPackages) {
  describe(`a Redis server that is killed, by the package ${name}`, () => {
    it("has lost nothing that it acknowledged when it is back", async () => {
      await withServer({}, async (server, store, hasty, clock) => {
        requireForRefreshTokens(store);
        for (let crash = 1; crash <= 2; crash++) {
          const writer = writeUntilItFails(hasty);
          await writer.reached(25 * crash);
          await server.kill();
          const acknowledged = await passing(clock, writer.ended);
          await server.start();
          let found = (await store.read("key"))!;
          // The write that was under way may have been done or not, and its client may still do it now.
          const over = numberIn(found.value) - acknowledged.number;
          assert.ok(over === 0 || over === 1, `${acknowledged.number} acknowledged, ${over} more found`);
          if (over === 0) assert.equal(found.version, acknowledged.version);
          // And it goes on where it was.
          let next;
          while (!(next = await store.compareAndSet("key", found.version, bytes(String(100 * crash))))) {
            found = (await store.read("key"))!;
            assert.equal(numberIn(found.value), acknowledged.number + 1);
          }
          assert.ok(next > acknowledged.version);
        }
      });
    });

    it("still has a lease that it gave, and numbers the next one higher", async () => {
      await withServer({}, async (server, store) => {
        const lease = await store.lease("key", 600_000);
        await server.kill();
        await server.start();
        assert.equal(await store.lease("key", 1000), undefined);
        await lease?.release();
        const next = await store.lease("key", 1000);
        assert.ok(next && next.fence > lease!.fence);
      });
    });

    it("has lost everything where it keeps nothing on its disk, and the store had said so", async () => {
      await withServer({ appendonly: "no" }, async (server, store) => {
        assert.equal(store.capabilities.durable, false);
        assert.throws(() => requireForRefreshTokens(store), { code: "unsupported" });
        const before = await store.compareAndSet("key", undefined, bytes("acknowledged"));
        await server.kill();
        await server.start();
        assert.equal(await store.read("key"), undefined);
        // What the lost server had numbered is not mistaken for what the new one numbers alike.
        const after = await store.compareAndSet("key", undefined, bytes("new"));
        assert.equal(after!.split("-")[0], before!.split("-")[0]);
        assert.equal(await store.compareAndSet("key", before, bytes("late")), undefined);
      });
    });

    async function withServer(
      settings: Record<string, string>,
      test: (server: RedisServer, store: FencedStore, hasty: FencedStore, clock: FakeClock) => Promise<void>,
    ): Promise<void> {
      const server = await startRedis(settings);
      try {
        const { client, close } = await connect(name, server.socket);
        try {
          const store = await redisStore(client, { deadline: 120_000 });
          // by a clock that goes on when the server is gone: no write is too slow for it before
          const clock = fakeClock();
          const hasty = await redisStore(client, { deadline: 1000, clock });
          await test(server, store, hasty, clock);
        } finally {
          close();
        }
      } finally {
        await server.close();
      }
    }
  });
}

interface Writer {
  /** Waits until so many writes are acknowledged. */
  reached(count: number): Promise<void>;
  /** The last write that was acknowledged. */
  readonly ended: Promise<{ number: number; version: string }>;
}

/** Counts up, one write after the other, each a KiB. */
function writeUntilItFails(store: FencedStore): Writer {
  let count = 0;
  let look = () => {};
  const write = async () => {
    const before = await store.read("key");
    let number = numberIn(before?.value);
    let version = before?.version;
    for (;;) {
      const value = bytes(String(number + 1).padStart(1024, "0"));
      const written = await store.compareAndSet("key", version, value).catch(() => undefined);
      if (written === undefined) return { number, version: version! };
      [number, version] = [number + 1, written];
      count++;
      look();
    }
  };
  const ended = write();
  return {
    ended,
    reached: (wanted) =>
      new Promise((resolve, reject) => {
        look = () => void (count >= wanted && resolve());
        look();
        ended.then(() => reject(new Error(`It ended after ${count} writes`)), reject);
      }),
  };
}
