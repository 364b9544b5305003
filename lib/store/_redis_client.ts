/**
 * The two styles in which Redis clients are called, as one.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import { type Failure, nameOfError } from "./connection.ts";

/** A client of the package `ioredis`, as far as it is used: a `Redis` or a `Cluster`. */
export interface IoredisClient {
  /** What only `ioredis` has: by this it is known. Never called. */
  defineCommand(name: string, definition: { lua: string }): unknown;
  /** Runs a script: the number of keys, the keys, the arguments. */
  eval(script: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>;
  /** Reads settings of the server. */
  config(subcommand: "GET", pattern: string): Promise<unknown>;
}

/** A client of the package `redis` (or `@redis/client`) 4, 5 or 6, as far as it is used: one server, a cluster or a pool. */
export interface NodeRedisClient {
  /** Runs a script. */
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  /** Reads settings of the server; a cluster has none. */
  configGet?(pattern: string): Promise<unknown>;
}

/** What a store asks of a client, whatever its style. */
export interface RedisCommands {
  /** Runs a script. It goes to the primary, where reads alone might go to a replica. */
  evaluate(script: string, keys: string[], values: string[]): Promise<unknown>;
  /** The server's settings under these patterns, or nothing where it does not tell. */
  settings(...patterns: string[]): Promise<Map<string, string> | undefined>;
}

/**
 * Finds the style of `client`.
 *
 * @throws {TokenError} `invalid_argument` when it is of neither
 */
export function redisCommands(client: IoredisClient | NodeRedisClient): RedisCommands {
  if (typeof client?.eval !== "function") {
    throw new TokenError("invalid_argument", 'Cannot use the client: it is none of "ioredis" or "redis"');
  }
  if (isIoredis(client)) {
    return {
      evaluate: async (script, keys, values) => await client.eval(script, keys.length, ...keys, ...values),
      settings: (...patterns) => settingsOf(client, patterns, (pattern) => client.config("GET", pattern)),
    };
  }
  return {
    evaluate: async (script, keys, values) => await client.eval(script, { keys, arguments: values }),
    settings: (...patterns) =>
      settingsOf(client, patterns, client.configGet && ((pattern) => client.configGet!(pattern))),
  };
}

function isIoredis(client: IoredisClient | NodeRedisClient): client is IoredisClient {
  return "defineCommand" in client && typeof client.defineCommand === "function";
}

async function settingsOf(
  client: object,
  patterns: string[],
  ask: ((pattern: string) => Promise<unknown>) | undefined,
): Promise<Map<string, string> | undefined> {
  // The client of a cluster asks any one of its servers, and a key may be on another.
  const ofCluster = "isCluster" in client && client.isCluster === true || "masters" in client;
  if (ofCluster || !ask) return undefined;
  try {
    return new Map((await Promise.all(patterns.map(ask))).flatMap(pairs));
  } catch (error) {
    // Forbidden, renamed or unknown, as most providers have it. Anything else is no answer to the question.
    if (["NOPERM", "ERR"].includes(replyCode(error) ?? "")) return undefined;
    throw error;
  }
}

/** RESP 2 answers with a flat list, RESP 3 with a map; clients make objects of either. */
function pairs(reply: unknown): [string, string][] {
  const list = Array.isArray(reply)
    ? reply.flatMap((_, at) => at % 2 === 0 ? [[reply[at], reply[at + 1]]] : [])
    : [...(reply instanceof Map ? reply : Object.entries(reply ?? {}))];
  return list.map(([name, value]) => [text(name) ?? "", text(value) ?? ""]);
}

/** A reply as text; clients can be told to answer with bytes. Nothing for a reply that is none. */
export function text(reply: unknown): string | undefined {
  if (reply === null || reply === undefined) return undefined;
  return reply instanceof Uint8Array ? new TextDecoder().decode(reply) : String(reply);
}

/** With these the server says that it cannot answer now. */
const PASSING = ["LOADING", "BUSY", "TRYAGAIN", "MASTERDOWN", "CLUSTERDOWN"];

const NEXT_STEPS: Readonly<Record<string, string>> = {
  NOAUTH: "Give the client the user and the password of the Redis server",
  WRONGPASS: "Give the client the right user and password of the Redis server",
  NOPERM: "Allow this Redis user EVAL and the keys that begin with the prefix of the store",
  CROSSSLOT: 'Give the store a prefix with a hash tag, such as "{apex-token}:"',
  READONLY: "Connect the client to the primary, not to a replica",
  OOM: "Give the Redis server more memory",
  MISCONF: "Look into the log of the Redis server: it cannot write to its disk",
};

/** What an error of a Redis client amounts to. Of the server's words only the first: the others may repeat what it got. */
export function explainRedis(error: unknown): Failure {
  const code = replyCode(error);
  if (code === undefined) {
    return {
      reason: nameOfError(error),
      passing: true,
      nextStep: "Start the Redis server, or see that the client is connected to it",
    };
  }
  return {
    reason: `the server answered "${code}"`,
    passing: PASSING.includes(code),
    nextStep: NEXT_STEPS[code] ?? "Look into the log of the Redis server",
  };
}

/** The first word of an error reply, such as `LOADING`; nothing for an error of another kind. */
function replyCode(error: unknown): string | undefined {
  const message = error instanceof Error ? error.message : "";
  return /^[A-Z][A-Z0-9_]{1,30}(?= |$)/.exec(message)?.[0];
}
