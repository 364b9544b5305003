/**
 * A store in Redis (or Valkey), for programs on several machines that share sign-ins.
 *
 * ```ts ignore
 * import { Redis } from "ioredis";
 * import { encryptedStore } from "@apex/token/stores";
 * import { redisStore } from "@apex/token/stores/redis";
 *
 * const store = encryptedStore(await redisStore(new Redis("rediss://…")), key, "sessions");
 * ```
 *
 * Under the prefix there are a hash `value:KEY` for each value, a string `lease:KEY` while a lease runs, and one
 * `count`, from which versions and leases take their numbers: it only grows, so no version comes twice, and a removed
 * key leaves nothing behind. A random part in each version sees to it that even a server that lost its last writes
 * does not give one to something else.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import { fromBase64, toBase64 } from "../bytes.ts";
import {
  explainRedis,
  type IoredisClient,
  type NodeRedisClient,
  type RedisCommands,
  redisCommands,
  text,
} from "./_redis_client.ts";
import {
  type Connection,
  connection,
  type ConnectionOptions,
  type FencedLease,
  type FencedStore,
  leaseTime,
  newAttempt,
} from "./connection.ts";

export type { IoredisClient, NodeRedisClient } from "./_redis_client.ts";
export type { ConnectionOptions, FencedLease, FencedStore } from "./connection.ts";
export type { Clock } from "../clock.ts";
export type { Lease, Store, StoreCapabilities, StoredValue } from "./store.ts";

/** The options of {@linkcode redisStore}. */
export interface RedisStoreOptions extends ConnectionOptions {
  /**
   * What the names of all its keys begin with; stores with one prefix are one store. Default: `apex-token:`. On a
   * Redis Cluster it needs a hash tag, such as `{apex-token}:`, because scripts see only keys of one slot.
   */
  prefix?: string;
  /**
   * Whether what the server has acknowledged survives its crash and a power cut: without that, no rotating refresh
   * token may be kept here.
   *
   * Default: the server is asked, once. It is durable with `appendonly yes`, `appendfsync always`,
   * `no-appendfsync-on-rewrite no`, and either no `maxmemory` or `maxmemory-policy noeviction`; it is not where any of
   * these differs, where `CONFIG GET` is forbidden, and on a cluster. A value given here is taken as it is, and nothing
   * is asked: say `true` only where you know it, such as of a provider that writes to several places before it answers.
   *
   * The question is about one server: one with replicas still loses its last writes when a replica takes its place.
   */
  durable?: boolean;
}

// Each script sees all and writes all at once. A client that lost the answer sends its command again when it has a new
// connection: a version that ends with the name of this very attempt is the answer that was lost.
const READ = `return redis.call('HMGET', KEYS[1], 'version', 'value')`;

const COMPARE_AND_SET = `
local now = redis.call('HGET', KEYS[1], 'version')
if now and string.sub(now, -#ARGV[2]) == ARGV[2] then return now end
if (now and '=' .. now or '') ~= ARGV[1] then return false end
local version = string.format('%016.0f', redis.call('INCR', KEYS[2])) .. '-' .. ARGV[2]
redis.call('HSET', KEYS[1], 'version', version, 'value', ARGV[3])
return version`;

const REMOVE = `
local now = redis.call('HGET', KEYS[1], 'version')
if not now or (ARGV[1] ~= '' and '=' .. now ~= ARGV[1]) then return 0 end
return redis.call('DEL', KEYS[1])`;

const LEASE = `
local now = redis.call('GET', KEYS[1])
if now then return string.sub(now, -#ARGV[1]) == ARGV[1] and now or false end
local lease = string.format('%016.0f', redis.call('INCR', KEYS[2])) .. '-' .. ARGV[1]
redis.call('SET', KEYS[1], lease, 'NX', 'PX', ARGV[2])
return lease`;

const RENEW = `
local now = redis.call('GET', KEYS[1])
if not now or string.sub(now, -#ARGV[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`;

const RELEASE = `
local now = redis.call('GET', KEYS[1])
if not now or string.sub(now, -#ARGV[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`;

/**
 * Keeps bytes in Redis. Give it to `encryptedStore`: by itself it keeps them as they are.
 *
 * A write that ends with `storage` may have been done or not; a later read tells. Leases end by the server's clock. A
 * lease can be lost with a server that fails over; whoever had it still cannot write over a version that it has not
 * seen.
 *
 * @param client a client of `ioredis`, or a connected one of `redis` 4, 5 or 6; it stays yours, also to close
 * @param options the prefix, the deadline, what is known of durability
 * @throws {TokenError} `storage` when the server does not answer; `invalid_argument` when `client` is no such client
 */
export async function redisStore(
  client: IoredisClient | NodeRedisClient,
  options: RedisStoreOptions = {},
): Promise<FencedStore> {
  const commands = redisCommands(client);
  const server = connection(options, explainRedis);
  const prefix = options.prefix ?? "apex-token:";
  const keyOf = (key: string) => `${prefix}value:${key}`;
  const count = `${prefix}count`;
  const durable = options.durable ??
    await server.insist("ask Redis how it keeps what it gets", () => isDurable(commands));

  return {
    capabilities: { compareAndSet: true, lease: true, durable, strongRead: true },
    read: async (key) => {
      const reply = await server.call("read from Redis", () => commands.evaluate(READ, [keyOf(key)], []));
      const [version, value] = Array.isArray(reply) ? reply.map(text) : [];
      if (version === undefined || value === undefined) return undefined;
      return { version, value: decode(value) };
    },
    compareAndSet: async (key, expected, value) => {
      const values = [condition(expected), newAttempt(), toBase64(value)];
      const write = () => commands.evaluate(COMPARE_AND_SET, [keyOf(key), count], values);
      return text(await server.insist("write to Redis", write));
    },
    remove: async (key, expected) => {
      const remove = () => commands.evaluate(REMOVE, [keyOf(key)], [condition(expected)]);
      return text(await server.call("remove from Redis", remove)) === "1";
    },
    lease: (key, milliseconds) => lease(commands, server, `${prefix}lease:${key}`, count, milliseconds),
  };
}

async function lease(
  commands: RedisCommands,
  server: Connection,
  name: string,
  count: string,
  milliseconds: number,
): Promise<FencedLease | undefined> {
  const time = leaseTime(milliseconds);
  const attempt = newAttempt();
  // Before it is asked for: the server counts from later, so it does not end there before it ends here.
  const expiresAt = server.clock.now() + time;
  const renew = async (milliseconds: number) => {
    const time = leaseTime(milliseconds);
    const expiresAt = server.clock.now() + time;
    const again = () => commands.evaluate(RENEW, [name], [attempt, String(time)]);
    return text(await server.insist("renew a lease", again)) === "1" ? expiresAt : undefined;
  };
  const release = async () => {
    try {
      await server.call("give back a lease", () => commands.evaluate(RELEASE, [name], [attempt]));
    } catch {
      // It ends by itself, and what was done under it is done.
    }
  };

  const answer = commands.evaluate(LEASE, [name, count], [attempt, String(time)]);
  let given: string | undefined;
  try {
    given = text(await server.call("ask Redis for a lease", () => answer));
  } catch (error) {
    // Should it be given all the same, then to nobody.
    answer.then(release, release);
    throw error;
  }
  if (given === undefined) return undefined;
  return { fence: given.slice(0, given.indexOf("-")), expiresAt, renew, release };
}

/** No version at all must differ from every text that could be taken for one. */
function condition(expected: string | undefined): string {
  return expected === undefined ? "" : `=${expected}`;
}

function decode(value: string): Uint8Array {
  try {
    return fromBase64(value);
  } catch {
    throw new TokenError(
      "storage",
      "Cannot read from Redis: what is kept there was not written by this store",
      {
        nextStep: "Give the store a prefix that nothing else uses",
      },
    );
  }
}

async function isDurable(commands: RedisCommands): Promise<boolean> {
  const settings = await commands.settings("*append*", "maxmemory*");
  return settings !== undefined &&
    settings.get("appendonly") === "yes" &&
    settings.get("appendfsync") === "always" &&
    settings.get("no-appendfsync-on-rewrite") === "no" &&
    (settings.get("maxmemory") === "0" || settings.get("maxmemory-policy") === "noeviction");
}
