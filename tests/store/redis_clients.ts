/**
 * The two packages with which people talk to Redis, as one.
 *
 * @module
 */

import { Redis, type RedisOptions } from "ioredis";
import { createClient, type RedisClientOptions } from "redis";
import type { IoredisClient, NodeRedisClient } from "../../lib/store/redis.ts";

/** Their names on npm. */
export const redisPackages = ["ioredis", "redis"] as const;
/** One of them. */
export type RedisPackage = typeof redisPackages[number];

/** A client that is connected. */
export interface ConnectedClient {
  readonly client: IoredisClient | NodeRedisClient;
  /** Any command, as it would be typed. */
  command(...words: string[]): Promise<unknown>;
  close(): void;
}

/** More about the connection, in the words of each package. */
export interface ConnectOptions {
  readonly ioredis?: RedisOptions;
  readonly redis?: RedisClientOptions;
}

/** Connects to the server at a Unix socket. The client connects again when the connection breaks. */
export async function connect(
  name: RedisPackage,
  path: string,
  options: ConnectOptions = {},
): Promise<ConnectedClient> {
  if (name === "ioredis") {
    const client = new Redis({ path, retryStrategy: () => 20, ...options.ioredis });
    client.on("error", () => {});
    await client.ping();
    return {
      client,
      command: (name, ...words) => client.call(name, ...words),
      close: () => client.disconnect(),
    };
  }
  const client = createClient({
    ...options.redis,
    socket: { path, tls: false, reconnectStrategy: () => 20 },
  });
  client.on("error", () => {});
  await client.connect();
  return {
    client,
    command: (...words) => client.sendCommand(words),
    close: () => {
      if (client.isOpen) client.destroy();
    },
  };
}
