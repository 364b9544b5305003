import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { serve, type ServedAuthorizationServer } from "../security/served.ts";
import { holdsPlaintext } from "../store/plaintext.ts";
import { connect, type ConnectedClient } from "../store/redis_clients.ts";
import { type RedisServer, startRedis } from "../store/redis_server.ts";
import { type Got, type Runtime, type SharedProcess, startSharedProcess } from "./shared_process.ts";

const CALLERS = 100;
const LIFE = 301;

describe("four processes of three runtimes with one sign-in on Redis, at a server that takes each refresh token once", () => {
  let redis: RedisServer;
  let admin: ConnectedClient;
  let served: ServedAuthorizationServer;
  let processes: SharedProcess[];
  /** By how many seconds their clocks have gone on. */
  let gone = 0;

  const start = (runtime: Runtime, kind: "ioredis" | "redis", aheadBy = 0) =>
    startSharedProcess(runtime, {
      kind,
      place: redis.socket,
      issuer: served.origin,
      aheadBy: gone + aheadBy,
    });
  const everybody = (callers = CALLERS, seconds = 0) => {
    gone += seconds;
    return Promise.all(processes.map((process) => process.get(callers, seconds)));
  };
  const family = () => {
    const { presented, reused, revoked } = served.server.families.at(-1)!;
    return { presented, reused, revoked };
  };
  /** Leases end as if their time were over. */
  const endLeases = async () => {
    for (const lease of await admin.command("KEYS", "*lease:*") as string[]) {
      await admin.command("DEL", lease);
    }
  };

  before(async () => {
    redis = await startRedis();
    admin = await connect("ioredis", redis.socket);
    served = await serve();
    processes = await Promise.all([
      start("deno", "ioredis"),
      start("bun", "redis"),
      start("node", "ioredis"),
      start("node", "redis"),
    ]);
  });

  after(async () => {
    await Promise.all(processes?.map((process) => process.kill()) ?? []);
    admin?.close();
    await served?.close();
    await redis?.close();
  });

  beforeEach(async () => {
    served.intercept();
    await endLeases();
    assert.ok(await processes[0].save(await served.server.issue({ scope: "a" })));
    await everybody(1);
  });

  function one(all: readonly Got[], callers = CALLERS): string {
    for (const { count, errors } of all) assert.deepEqual({ count, errors }, { count: callers, errors: [] });
    const tokens = new Set(all.flatMap(({ tokens }) => tokens));
    assert.equal(tokens.size, 1);
    return [...tokens][0];
  }

  it("make one request for each refresh", async () => {
    const seen = new Set<string>();
    for (let life = 1; life <= 3; life++) {
      seen.add(one(await everybody(CALLERS, LIFE)));
      assert.deepEqual(family(), { presented: life, reused: 0, revoked: false });
    }
    assert.equal(seen.size, 3);
  });

  it("make one request for the client's own token", async () => {
    const count = served.server.count("token", "client_credentials");
    one(await Promise.all(processes.map((process) => process.service(CALLERS))));
    assert.equal(served.server.count("token", "client_credentials"), count + 1);
  });

  it("make one request although one clock is half a minute ahead and one behind", async () => {
    const [ahead, behind] = await Promise.all([start("node", "ioredis", 30), start("node", "redis", -30)]);
    const own = processes;
    processes = [own[0], own[1], ahead, behind];
    try {
      one(await everybody(CALLERS, 400));
      assert.deepEqual(family(), { presented: 1, reused: 0, revoked: false });
      one(await everybody(CALLERS, 400));
      assert.deepEqual(family(), { presented: 2, reused: 0, revoked: false });
    } finally {
      processes = own;
      await Promise.all([ahead.kill(), behind.kill(), own[2].later(800), own[3].later(800)]);
    }
  });

  it("go on when the one who has the lease is killed while the server works", async () => {
    const doomed = await start("bun", "ioredis");
    const reached = Promise.withResolvers<void>();
    let requests = 0;
    served.intercept(({ url }) => {
      if (!url.pathname.endsWith("/token") || ++requests > 1) return undefined;
      reached.resolve();
      // it never gets to work on it
      return new Promise<undefined>(() => {});
    });
    const lost = doomed.get(1, LIFE).catch(() => {});
    await reached.promise;
    await doomed.kill();
    await lost;
    const waiting = everybody(10, LIFE);
    // while the dead one's lease lasts, nobody sends anything
    const early = await Promise.race([
      waiting,
      new Promise((resolve) => setTimeout(resolve, 300, "nothing")),
    ]);
    assert.equal(early, "nothing");
    assert.equal(requests, 1);
    await endLeases();
    one(await waiting, 10);
    assert.deepEqual(family(), { presented: 1, reused: 0, revoked: false });
  });

  it("lose nothing when Redis is killed while the server answers, and comes back", async () => {
    const killed = Promise.withResolvers<void>();
    let requests = 0;
    served.intercept(async ({ url }, pass) => {
      if (!url.pathname.endsWith("/token")) return undefined;
      requests++;
      const answer = await pass();
      if (requests === 1) await redis.kill().then(killed.resolve);
      return answer;
    });
    const first = everybody(10, LIFE);
    await killed.promise;
    await redis.start();
    // whoever waited meanwhile may have been told that the store was down; nobody has lost the sign-in
    for (const { errors } of await first) assert.deepEqual(errors.filter((code) => code !== "storage"), []);
    one(await everybody(10), 10);
    assert.deepEqual(family(), { presented: 1, reused: 0, revoked: false });
    assert.equal(requests, 1);
  });

  it("serve a good token while Redis is down, then say so, and ask the server nothing", async () => {
    const good = one(await everybody(10), 10);
    const count = served.server.count("token");
    await redis.kill();
    try {
      assert.equal(one(await everybody(10, 200), 10), good);
      for (const { count, errors } of await everybody(10, 150)) {
        assert.deepEqual({ count, errors }, { count: 0, errors: ["storage"] });
      }
    } finally {
      await redis.start();
    }
    assert.equal(served.server.count("token"), count);
    one(await everybody(10), 10);
    assert.deepEqual(family(), { presented: 1, reused: 0, revoked: false });
  });

  it("give Redis nothing that can be read", async () => {
    const accessToken = one(await everybody(1, LIFE), 1);
    const issued = await served.server.issue({ scope: "a" });
    assert.ok(await processes[1].save(issued));
    await admin.command("SET", "apex-token:probe", `open ${accessToken}`);
    const files = await redis.files();
    // the one proves that the others would have been found
    assert.ok(files.some((file) => holdsPlaintext(file, accessToken)));
    for (const secret of [String(issued.refresh_token), String(issued.access_token)]) {
      assert.ok(!files.some((file) => holdsPlaintext(file, secret)));
    }
  });
});
