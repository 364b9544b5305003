import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { inspect } from "node:util";
import { isTokenError, type TokenError } from "../../lib/errors.ts";
import type { FencedStore } from "../../lib/store/connection.ts";
import { redisStore } from "../../lib/store/redis.ts";
import { fakeClock } from "../fake_clock.ts";
import { eventually } from "./eventually.ts";
import { type LossyProxy, startLossyProxy } from "./lossy_proxy.ts";
import { connect, type ConnectedClient, type RedisPackage, redisPackages } from "./redis_clients.ts";
import { type RedisServer, startRedis } from "./redis_server.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** Everything that a store does, on a key that is there. */
const steps: Readonly<Record<string, (store: FencedStore, version: string) => Promise<unknown>>> = {
  read: (store) => store.read("key"),
  compareAndSet: (store, version) => store.compareAndSet("key", version, bytes("the secret value")),
  remove: (store) => store.remove("key"),
  lease: (store) => store.lease("key", 60_000),
};

function thatAnswersNot(name: RedisPackage): void {
  describe("a server that does not answer", () => {
    let server: RedisServer;
    let connected: ConnectedClient;
    let store: FencedStore;
    let version: string;
    const clock = fakeClock();

    beforeEach(async () => {
      server = await startRedis();
      connected = await connect(name, server.socket);
      store = await redisStore(connected.client, { clock });
      version = (await store.compareAndSet("key", undefined, bytes("one")))!;
    });

    afterEach(async () => {
      connected.close();
      await server.close();
    });

    for (const [step, take] of Object.entries(steps)) {
      it(`is not waited for longer than two seconds: ${step}`, async () => {
        server.freeze();
        assert.equal(clock.waiting(), 0);
        const error = await failsAfter(2000, () => take(store, version));
        assert.match(error.message, /^Cannot .+: no answer came within 2 s$/);
      });
    }

    it("is not waited for longer than its owner says, and not when the store is made either", async () => {
      server.freeze();
      const patient = await redisStore(connected.client, { clock, deadline: 7000, durable: true });
      await failsAfter(7000, () => patient.read("key"));
      await failsAfter(7000, () => redisStore(connected.client, { clock, deadline: 7000 }));
      for (const deadline of [0, -1, NaN, Infinity]) {
        await assert.rejects(redisStore(connected.client, { deadline }), { code: "invalid_argument" });
      }
    });

    it("is not waited for when it is gone", async () => {
      await server.kill();
      for (const [step, take] of Object.entries(steps)) {
        const error = await failsWithin(2000, () => take(store, version));
        assert.ok(error.nextStep, step);
        assert.equal(error.retryable, true, step);
      }
    });

    it("is not waited for on a client that was closed", async () => {
      connected.close();
      for (const take of Object.values(steps)) await failsWithin(2000, () => take(store, version));
    });

    it("puts nothing of what was sent into an error", async () => {
      server.freeze();
      const error = await failsAfter(2000, () => steps.compareAndSet(store, version));
      const shown = inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error);
      assert.ok(!shown.includes("secret") && !shown.includes(btoa("the secret value")), shown);
      assert.equal(error.cause, undefined);
    });

    it("gives nobody a lease that came too late", async () => {
      server.freeze();
      await failsAfter(2000, () => store.lease("key", 600_000));
      server.thaw();
      // The late one is given back by itself, where it would last ten minutes otherwise.
      await eventually(() => store.lease("key", 1000));
    });

    it("is written to as soon as it is back", async () => {
      const patient = await redisStore(connected.client, { deadline: 120_000 });
      await server.kill();
      const writing = patient.compareAndSet("key", version, bytes("two"));
      await server.start();
      const written = await writing;
      assert.ok(written);
      assert.deepEqual(await patient.read("key"), { version: written, value: bytes("two") });
    });

    async function failsAfter(milliseconds: number, take: () => Promise<unknown>): Promise<TokenError> {
      let error: unknown;
      const done = take().then(() => assert.fail("it came to an end"), (thrown) => void (error = thrown));
      await clock.untilWaiting();
      await clock.advance(milliseconds - 1);
      assert.equal(error, undefined);
      await clock.advance(1);
      await done;
      return storageError(error);
    }

    /** Sooner is welcome: a client may know by itself that it has no connection. */
    async function failsWithin(milliseconds: number, take: () => Promise<unknown>): Promise<TokenError> {
      const start = clock.now();
      let over = false;
      const error = take().then(() => assert.fail("it came to an end"), (error: unknown) => error)
        .finally(() => over = true);
      while (!over) {
        await clock.advance(10);
        assert.ok(clock.now() - start <= milliseconds + 10, "it is still waiting");
      }
      return storageError(await error);
    }
  });
}

function storageError(error: unknown): TokenError {
  assert.ok(isTokenError(error), String(error));
  assert.equal(error.code, "storage");
  return error;
}

function thatAnswersLate(name: RedisPackage): void {
  describe("a server whose answer got lost on its way", () => {
    let server: RedisServer;
    let proxy: LossyProxy;
    let connected: ConnectedClient;
    let admin: ConnectedClient;
    let store: FencedStore;

    before(async () => {
      server = await startRedis();
      proxy = await startLossyProxy(server.socket);
      connected = await connect(name, proxy.socket);
      admin = await connect(name, server.socket);
      store = await redisStore(connected.client, { deadline: 120_000 });
    });

    after(async () => {
      connected?.close();
      admin?.close();
      await proxy?.close();
      await server?.close();
    });

    it("has written once, and the writer gets to know the version", async () => {
      const first = await store.compareAndSet("key", undefined, bytes("one"));
      for (let round = 1; round <= 5; round++) {
        const before = await store.read("key");
        proxy.loseNextAnswer();
        const written = await store.compareAndSet("key", before?.version, bytes(`round ${round}`));
        assert.equal(proxy.lost(), round);
        assert.deepEqual(await store.read("key"), { version: written, value: bytes(`round ${round}`) });
      }
      assert.ok(first && first.startsWith("0000000000000001-"));
      assert.equal(await admin.command("GET", "apex-token:count"), "6");
    });

    it("leases to the one who asked, or soon to the next", async () => {
      proxy.loseNextAnswer();
      const lease = await store.lease("key", 600_000).catch((error) => storageError(error) && undefined);
      if (lease) {
        assert.equal(await store.lease("key", 1000), undefined);
        await lease.release();
      }
      await eventually(() => store.lease("key", 1000));
    });
  });
}

function thatRefuses(name: RedisPackage): void {
  describe("a server that refuses", () => {
    let server: RedisServer;
    let admin: ConnectedClient;

    before(async () => {
      server = await startRedis();
      admin = await connect(name, server.socket);
    });

    after(async () => {
      admin?.close();
      await server?.close();
    });

    it("is quoted with its first word, and the next step is said", async () => {
      const store = await redisStore(admin.client, { deadline: 120_000 });
      const cases: [word: string, nextStep: RegExp, refuse: string[], allow: string[]][] = [
        ["OOM", /more memory/, ["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "SET", "maxmemory", "0"]],
        ["READONLY", /to the primary/, ["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"]],
      ];
      for (const [word, nextStep, refuse, allow] of cases) {
        await admin.command(...refuse);
        try {
          await assert.rejects(store.compareAndSet("key", undefined, bytes("secret")), {
            code: "storage",
            message: `Cannot write to Redis: the server answered "${word}"`,
            nextStep,
            retryable: false,
          });
        } finally {
          await admin.command(...allow);
        }
      }
    });

    it("says that this user may not run scripts, or must sign in", async () => {
      await admin.command("ACL", "SETUSER", "reader", "on", "nopass", "~*", "+@all", "-eval");
      const login = { username: "reader", password: "any" };
      const reader = await connect(name, server.socket, { ioredis: login, redis: login });
      try {
        const store = await redisStore(reader.client, { deadline: 120_000 });
        await assert.rejects(store.read("key"), {
          code: "storage",
          message: 'Cannot read from Redis: the server answered "NOPERM"',
          nextStep: /Allow this Redis user EVAL/,
        });
        const stranger = await connect(name, server.socket);
        await admin.command("ACL", "SETUSER", "default", "resetpass", ">password");
        try {
          await stranger.command("RESET");
          await assert.rejects(redisStore(stranger.client, { deadline: 120_000 }), {
            code: "storage",
            message: 'Cannot ask Redis how it keeps what it gets: the server answered "NOAUTH"',
          });
        } finally {
          stranger.close();
        }
      } finally {
        reader.close();
      }
    });
  });
}

for (const name of redisPackages) {
  describe(`Redis, by the package ${name}`, () => {
    thatAnswersNot(name);
    thatAnswersLate(name);
    thatRefuses(name);
  });
}
