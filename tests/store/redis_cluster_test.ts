import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Cluster } from "ioredis";
import { createCluster } from "redis";
import { type IoredisClient, type NodeRedisClient, redisStore } from "../../lib/store/redis.ts";
import { eventually } from "./eventually.ts";
import { connect } from "./redis_clients.ts";
import { type RedisServer, startRedisAt } from "./redis_server.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("a store in a Redis Cluster", () => {
  let server: RedisServer;
  const clients: { name: string; client: IoredisClient | NodeRedisClient; close: () => void }[] = [];

  before(async () => {
    const started = await startRedisAt(2, ([port, bus]) => ({
      port: String(port),
      "cluster-enabled": "yes",
      "cluster-port": String(bus),
      "cluster-announce-ip": "127.0.0.1",
    }));
    server = started.server;
    const [port] = started.ports;
    const admin = await connect("ioredis", server.socket);
    try {
      await admin.command("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
      await eventually(async () =>
        String(await admin.command("CLUSTER", "INFO")).includes("cluster_state:ok") || undefined
      );
    } finally {
      admin.close();
    }
    const ioredis = new Cluster([{ host: "127.0.0.1", port }]);
    clients.push({ name: "ioredis", client: ioredis, close: () => ioredis.disconnect() });
    const redis = createCluster({ rootNodes: [{ url: `redis://127.0.0.1:${port}` }] });
    await redis.connect();
    clients.push({ name: "redis", client: redis, close: () => redis.destroy() });
  });

  after(async () => {
    for (const { close } of clients) close();
    await server?.close();
  });

  it("does everything in one slot, with a hash tag in its prefix", async () => {
    for (const { name, client } of clients) {
      const store = await redisStore(client, { prefix: `{${name}}:`, deadline: 120_000 });
      const version = await store.compareAndSet("key", undefined, bytes("one"));
      assert.deepEqual(await store.read("key"), { version, value: bytes("one") }, name);
      assert.equal(await store.compareAndSet("key", undefined, bytes("two")), undefined);
      const lease = await store.lease("key", 60_000);
      assert.equal(await store.lease("key", 60_000), undefined);
      await lease?.release();
      assert.ok(await store.lease("key", 60_000));
      assert.equal(await store.remove("key", version), true);
    }
  });

  it("asks for a hash tag where the prefix has none", async () => {
    for (const { client } of clients) {
      const store = await redisStore(client, { deadline: 120_000 });
      await assert.rejects(store.compareAndSet("key", undefined, bytes("one")), {
        code: "storage",
        message: 'Cannot write to Redis: the server answered "CROSSSLOT"',
        nextStep: 'Give the store a prefix with a hash tag, such as "{apex-token}:"',
      });
    }
  });

  it("is durable only by the word of its owner: one server does not speak for all", async () => {
    for (const { client } of clients) {
      assert.equal((await redisStore(client, { deadline: 120_000 })).capabilities.durable, false);
      assert.equal(
        (await redisStore(client, { durable: true, deadline: 120_000 })).capabilities.durable,
        true,
      );
    }
  });
});
