import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { redisStore } from "../../lib/store/redis.ts";
import { eventually } from "./eventually.ts";
import { connect, type ConnectedClient } from "./redis_clients.ts";
import { type RedisServer, startRedis, startRedisAt } from "./redis_server.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("a Redis server that is replaced by its replica", () => {
  let primary: RedisServer;
  let replica: RedisServer;
  let first: ConnectedClient;
  let second: ConnectedClient;

  before(async () => {
    const started = await startRedisAt(1, ([port]) => ({
      port: String(port),
      "repl-diskless-sync-delay": "0",
    }));
    primary = started.server;
    const [port] = started.ports;
    replica = await startRedis();
    first = await connect("ioredis", primary.socket);
    second = await connect("redis", replica.socket);
    await second.command("REPLICAOF", "127.0.0.1", String(port));
    await eventually(async () =>
      /master_link_status:up/.test(String(await second.command("INFO", "replication"))) || undefined
    );
  });

  after(async () => {
    first?.close();
    second?.close();
    await primary?.close();
    await replica?.close();
  });

  it("goes on where it was, takes nothing lost for something else, and gives a lost lease to the next", async () => {
    const options = { deadline: 120_000 };
    const before = await redisStore(first.client, options);
    const kept = await before.compareAndSet("kept", undefined, bytes("replicated"));
    await before.compareAndSet("key", undefined, bytes("replicated"));
    assert.equal(await first.command("WAIT", "1", "120000"), 1);

    // whoever decides has lost sight of the old one, which still takes writes
    await second.command("REPLICAOF", "NO", "ONE");
    const lease = await before.lease("key", 600_000);
    const lost = await before.compareAndSet("new", undefined, bytes("acknowledged, and lost"));
    await primary.kill();

    const now = await redisStore(second.client, options);
    assert.deepEqual(await now.read("kept"), { version: kept, value: bytes("replicated") });
    const next = await now.compareAndSet("kept", kept, bytes("goes on"));
    assert.ok(next! > kept!);
    assert.equal(await now.read("new"), undefined);
    assert.equal(await now.compareAndSet("new", lost, bytes("over what was lost")), undefined);
    // the lease of the old server is nobody's here: the holder finds out when it looks, as a program with a client that
    // has followed to the new server does
    assert.ok(await now.lease("key", 600_000));
    assert.equal(await now.lease("key", 600_000), undefined);
    await lease?.release();
    assert.equal(await now.lease("key", 600_000), undefined);
  });

  it("refuses writes as long as it is a replica, and says to which server they go", async () => {
    const alone = await startRedis();
    const client = await connect("ioredis", alone.socket);
    try {
      await client.command("REPLICAOF", "127.0.0.1", "1");
      const store = await redisStore(client.client, { durable: true, deadline: 120_000 });
      for (const call of [store.compareAndSet("key", undefined, bytes("one")), store.lease("key", 1000)]) {
        await assert.rejects(call, {
          code: "storage",
          nextStep: "Connect the client to the primary, not to a replica",
        });
      }
    } finally {
      client.close();
      await alone.close();
    }
  });
});
