import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { encryptedStore } from "../../lib/store/encrypted_store.ts";
import { redisStore, type RedisStoreOptions } from "../../lib/store/redis.ts";
import { requireForRefreshTokens } from "../../lib/store/requirements.ts";
import { fakeClock } from "../fake_clock.ts";
import { storeConformance } from "./conformance.ts";
import { eventually } from "./eventually.ts";
import { holdsPlaintext } from "./plaintext.ts";
import { connect, type ConnectedClient, type RedisPackage, redisPackages } from "./redis_clients.ts";
import { type RedisServer, startRedis } from "./redis_server.ts";
import { inSlowTime, slowly } from "./slow_time.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value);
const key = Uint8Array.from({ length: 32 }, (_, at) => at);

let server: RedisServer;
let admin: ConnectedClient;
let prefixes = 0;

describe("Redis", () => {
  before(async () => {
    server = await startRedis();
    admin = await connect("ioredis", server.socket);
  });

  after(async () => {
    admin?.close();
    await server?.close();
  });

  for (const name of redisPackages) describe(`by the package ${name}`, () => byPackage(name));
  describe("by both packages", byBothPackages);
});

/** A prefix that no test has used. */
const newPrefix = () => `test-${++prefixes}:`;

/** Leases grow old on the server as if this time had passed. */
async function passTime(milliseconds: number): Promise<void> {
  for (const lease of await admin.command("KEYS", "*lease:*") as string[]) {
    const left = Number(await admin.command("PTTL", lease)) - milliseconds;
    if (left > 0) await admin.command("PEXPIRE", lease, String(left));
    else await admin.command("DEL", lease);
  }
}

function byPackage(name: RedisPackage): void {
  let connected: ConnectedClient;
  const store = (options: RedisStoreOptions = {}) =>
    redisStore(connected.client, { durable: true, prefix: newPrefix(), deadline: 120_000, ...options });

  before(async () => {
    connected = await connect(name, server.socket);
  });

  after(() => connected?.close());

  storeConformance("Redis", async () => inSlowTime(await store()), { passTime: slowly(passTime) });
  storeConformance(
    "encrypted Redis",
    async () => encryptedStore(inSlowTime(await store()), key, "sessions"),
    { passTime: slowly(passTime) },
  );

  describe("a store in Redis", () => {
    const capabilities = async (options: RedisStoreOptions = {}) =>
      (await redisStore(connected.client, { prefix: newPrefix(), deadline: 120_000, ...options }))
        .capabilities;

    it("is durable on a server that writes to its disk before it answers", async () => {
      const all = { compareAndSet: true, lease: true, durable: true, strongRead: true };
      assert.deepEqual(await capabilities(), all);
      requireForRefreshTokens({ capabilities: await capabilities() });
    });

    const lossy: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
      ["keeps nothing on its disk", { appendonly: "no" }],
      ["writes to its disk once a second", { appendfsync: "everysec" }],
      ["leaves that to the system", { appendfsync: "no" }],
      ["does not while it rewrites its file", { "no-appendfsync-on-rewrite": "yes" }],
      ["forgets when it is full", { maxmemory: "1gb", "maxmemory-policy": "allkeys-lru" }],
      ["forgets leases when it is full", { maxmemory: "1gb", "maxmemory-policy": "volatile-ttl" }],
    ];
    for (const [what, settings] of lossy) {
      it(`is not durable on a server that ${what}, unless its owner says so`, async () => {
        await withSettings(settings, async () => {
          const found = await capabilities();
          assert.equal(found.durable, false);
          assert.throws(() => requireForRefreshTokens({ capabilities: found }), {
            code: "unsupported",
            message: /may lose what it has acknowledged/,
          });
          assert.equal((await capabilities({ durable: true })).durable, true);
        });
      });
    }

    it("is durable on a server with a limit at which it refuses", async () => {
      await withSettings({ maxmemory: "1gb", "maxmemory-policy": "noeviction" }, async () => {
        assert.equal((await capabilities()).durable, true);
      });
    });

    it("is not durable where the owner says so", async () => {
      assert.equal((await capabilities({ durable: false })).durable, false);
    });

    it("is durable only by the word of its owner where the server does not tell", async () => {
      await admin.command("ACL", "SETUSER", "guest", "on", "nopass", "~*", "+@all", "-config");
      const login = { username: "guest", password: "any" };
      const guest = await connect(name, server.socket, { ioredis: login, redis: login });
      try {
        assert.equal((await redisStore(guest.client, { deadline: 120_000 })).capabilities.durable, false);
        const named = await redisStore(guest.client, {
          durable: true,
          prefix: newPrefix(),
          deadline: 120_000,
        });
        assert.equal(named.capabilities.durable, true);
        assert.ok(await named.compareAndSet("key", undefined, bytes("one")));
      } finally {
        guest.close();
      }
    });

    it("keeps stores with different prefixes apart, and begins every name with the prefix", async () => {
      const [one, other] = [newPrefix(), newPrefix()];
      await (await store({ prefix: one })).compareAndSet("key", undefined, bytes("one"));
      assert.equal(await (await store({ prefix: other })).read("key"), undefined);
      await (await store({ prefix: one })).lease("key", 60_000);
      assert.deepEqual((await admin.command("KEYS", `${one}*`) as string[]).sort(), [
        `${one}count`,
        `${one}lease:key`,
        `${one}value:key`,
      ]);
      await redisStore(connected.client, { deadline: 120_000 }).then((store) =>
        store.compareAndSet("k", undefined, bytes(""))
      );
      assert.deepEqual(await admin.command("DEL", "apex-token:value:k"), 1);
    });

    it("leaves nothing of a removed key", async () => {
      const prefix = newPrefix();
      const kept = await store({ prefix });
      await kept.compareAndSet("key", undefined, bytes("one"));
      await (await kept.lease("key", 60_000))?.release();
      await kept.remove("key");
      assert.deepEqual(await admin.command("KEYS", `${prefix}*`), [`${prefix}count`]);
    });

    it("numbers versions and leases upwards, also after a removal", async () => {
      const kept = await store();
      const given: (string | undefined)[] = [];
      for (let life = 0; life < 3; life++) {
        const lease = await kept.lease("key", 60_000);
        given.push(lease?.fence);
        given.push(await kept.compareAndSet("key", undefined, bytes("one")));
        given.push(await kept.compareAndSet("key", given.at(-1), bytes("two")));
        await kept.remove("key");
        await lease?.release();
      }
      assert.equal(new Set(given).size, 9);
      assert.deepEqual(given, [...given].sort());
    });

    it("does not give a version twice when the server has lost its count", async () => {
      const prefix = newPrefix();
      const kept = await store({ prefix });
      const lost = await kept.compareAndSet("key", undefined, bytes("acknowledged"));
      await admin.command("DEL", `${prefix}count`, `${prefix}value:key`);
      const now = await kept.compareAndSet("key", undefined, bytes("somebody else's"));
      assert.equal(await kept.compareAndSet("key", lost, bytes("over it")), undefined);
      assert.deepEqual(await kept.read("key"), { version: now, value: bytes("somebody else's") });
    });

    it("says when a lease ends, by the clock of who asked", async () => {
      const clock = fakeClock();
      const lease = await (await store({ clock })).lease("key", 1500);
      assert.equal(lease?.expiresAt, clock.now() + 1500);
    });

    it("gives a lease again when its time is over, and only then", async () => {
      const kept = await store();
      const start = performance.now();
      const ended = await kept.lease("key", 60);
      const next = await eventually(() => kept.lease("key", 60_000));
      assert.ok(performance.now() - start >= 50, `${performance.now() - start} ms`);
      assert.ok(next.fence > ended!.fence);
    });

    it("refuses the late write of somebody whose lease ended", async () => {
      const kept = await store();
      const version = await kept.compareAndSet("key", undefined, bytes("old"));
      const late = await kept.lease("key", 60_000);
      await passTime(60_000);
      const next = await kept.lease("key", 60_000);
      assert.ok(late && next && late.fence < next.fence);
      assert.ok(await kept.compareAndSet("key", version, bytes("by the next")));
      assert.equal(await kept.compareAndSet("key", version, bytes("too late")), undefined);
      assert.equal(text((await kept.read("key"))?.value), "by the next");
    });

    it("refuses a lease that would be over at once, or never", async () => {
      const kept = await store();
      for (const milliseconds of [0, -1, NaN, Infinity]) {
        await assert.rejects(kept.lease("key", milliseconds), { code: "invalid_argument" });
      }
      assert.ok(await kept.lease("key", 0.5));
    });

    it("gives an encrypted store's server nothing that can be read", async () => {
      const [open, sealed] = [`open secret of ${name}`, `sealed secret of ${name}`];
      await (await store()).compareAndSet("apex", undefined, bytes(open));
      const encrypted = encryptedStore(await store(), key, "sessions");
      await encrypted.compareAndSet("apex", undefined, bytes(sealed));
      assert.equal(text((await encrypted.read("apex"))?.value), sealed);
      const files = await server.files();
      // The one proves that the other would have been found.
      assert.ok(files.some((file) => holdsPlaintext(file, open)));
      assert.ok(!files.some((file) => holdsPlaintext(file, sealed)));
    });

    it("says so when something else is under its keys", async () => {
      const prefix = newPrefix();
      const kept = await store({ prefix });
      await admin.command("HSET", `${prefix}value:a`, "version", "1", "value", "***");
      await assert.rejects(kept.read("a"), { code: "storage", message: /was not written by this store/ });
      await admin.command("SET", `${prefix}value:b`, "a text");
      const wrongType = { code: "storage", message: /^Cannot .* Redis: the server answered "WRONGTYPE"$/ };
      await assert.rejects(kept.read("b"), wrongType);
      await assert.rejects(kept.compareAndSet("b", undefined, bytes("one")), wrongType);
    });
  });
}

function byBothPackages(): void {
  it("it is one store", async () => {
    const other = await connect("redis", server.socket);
    try {
      const prefix = newPrefix();
      const [one, two] = await Promise.all(
        [admin, other].map(({ client }) => redisStore(client, { prefix, deadline: 120_000 })),
      );
      const version = await one.compareAndSet("key", undefined, bytes("one"));
      assert.deepEqual(await two.read("key"), { version, value: bytes("one") });
      const next = await two.compareAndSet("key", version, bytes("two"));
      assert.equal(await one.compareAndSet("key", version, bytes("late")), undefined);
      assert.deepEqual(await one.read("key"), { version: next, value: bytes("two") });
      const lease = await one.lease("key", 60_000);
      assert.equal(await two.lease("key", 60_000), undefined);
      await lease?.release();
      assert.ok(await two.lease("key", 60_000));
    } finally {
      other.close();
    }
  });

  it("refuses any other client", async () => {
    for (const client of [undefined, null, {}, { get: () => {} }]) {
      await assert.rejects(redisStore(client as never), {
        name: "TokenError",
        code: "invalid_argument",
        message: 'Cannot use the client: it is none of "ioredis" or "redis"',
      });
    }
  });

  it("takes answers in bytes, and a client's own prefix before every key", async () => {
    const other = await connect("ioredis", server.socket, { ioredis: { keyPrefix: "mine:" } });
    try {
      const prefix = newPrefix();
      const version = await (await redisStore(other.client, { prefix, deadline: 120_000 })).compareAndSet(
        "key",
        undefined,
        bytes("one"),
      );
      const asBytes = {
        eval: async (script: string, { keys, arguments: values }: { keys: string[]; arguments: string[] }) =>
          inBytes(await admin.client.eval(script, keys.length as never, ...keys as never[], ...values)),
      };
      const store = await redisStore(asBytes, { prefix: `mine:${prefix}`, deadline: 120_000 });
      assert.equal(store.capabilities.durable, false);
      assert.deepEqual(await store.read("key"), { version, value: bytes("one") });
      assert.equal(await store.remove("key", version), true);
    } finally {
      other.close();
    }
  });
}

function inBytes(reply: unknown): unknown {
  if (Array.isArray(reply)) return reply.map(inBytes);
  return typeof reply === "string" ? bytes(reply) : reply;
}

async function withSettings(
  settings: Readonly<Record<string, string>>,
  test: () => Promise<void>,
): Promise<void> {
  const before: [string, string][] = [];
  for (const [name, value] of Object.entries(settings)) {
    before.push((await admin.command("CONFIG", "GET", name)) as [string, string]);
    await admin.command("CONFIG", "SET", name, value);
  }
  try {
    await test();
  } finally {
    for (const [name, value] of before) await admin.command("CONFIG", "SET", name, value);
  }
}
