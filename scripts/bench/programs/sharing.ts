/**
 * One of several processes that share a sign-in on Redis.
 *
 * @module
 */

import { type Client, discover, type Issuer, tokenSource } from "../../../mod.ts";
import { type Store, storedSession } from "../../../lib/session/stores.ts";
import { redisStore } from "../../../lib/store/redis.ts";
import { answer } from "./answer.ts";

/** What is asked of this program. */
export interface Question {
  readonly issuer: string;
  /** The socket of a Redis server. */
  readonly socket: string;
  /** Keeps a sign-in whose access token has ended; or asks for a token at a moment. */
  readonly what: "sign in" | "get";
  readonly callers?: number;
  /** When all begin, in epoch milliseconds. */
  readonly at?: number;
}

/** What it answers. */
export interface Answer {
  /** Until the last caller had a token, in milliseconds. */
  readonly time: number;
  /** How late it began, in milliseconds. */
  readonly late: number;
}

const client: Client = { clientId: "bench" };
const key = new Uint8Array(32).fill(7);
const name = "bench";

await answer<Question, Answer>(async (question) => {
  const { what, callers = 1, at = 0 } = question;
  const { store, close } = await openStore(question.socket);
  try {
    const issuer = await discover(question.issuer, { allowInsecureLoopback: true });
    if (what === "sign in") {
      await signIn(issuer, store);
      return { time: 0, late: 0 };
    }
    const source = tokenSource(issuer, client, storedSession({ store, key, name }));
    await new Promise((resolve) => setTimeout(resolve, at - Date.now()));
    const late = Date.now() - at;
    const start = performance.now();
    await Promise.all(Array.from({ length: callers }, () => source.get()));
    return { time: performance.now() - start, late };
  } finally {
    close();
  }
});

async function signIn(issuer: Issuer, store: Store): Promise<void> {
  const now = Math.floor(Date.now() / 1000);
  const tokens = { accessToken: "ended", refreshToken: "first", tokenType: "Bearer" };
  const session = storedSession({ store, key, name });
  await session.save(issuer, client, { ...tokens, issuedAt: now - 3600, expiresAt: now - 1 });
}

async function openStore(socket: string): Promise<{ store: Store; close(): void }> {
  // not named in full: the configuration of the bench does not know the packages for Redis
  const clients: string = "../../../tests/store/redis_clients.ts";
  const { client, close } = await (await import(clients)).connect("ioredis", socket);
  return { store: await redisStore(client), close };
}
