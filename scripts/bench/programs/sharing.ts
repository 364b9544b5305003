/**
 * One of several processes that share a sign-in, and how long it takes until an answer is durable.
 *
 * @module
 */

import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, discover, type Fetch, type Issuer, tokenSource } from "../../../mod.ts";
import { type Store, storedSession } from "../../../lib/session/stores.ts";
import { fileStore } from "../../../lib/host/file_store.ts";
import { memoryStore } from "../../../lib/store/memory.ts";
import { redisStore } from "../../../lib/store/redis.ts";
import { median } from "../measure.ts";
import { answer } from "./answer.ts";

/** What is asked of this program. */
export interface Question {
  readonly issuer: string;
  /** The socket of a Redis server; without it, files. */
  readonly socket?: string;
  /** Keeps a sign-in whose access token has ended; or asks for a token at a moment; or measures commits. */
  readonly what: "sign in" | "get" | "commits";
  readonly callers?: number;
  /** When all begin, in epoch milliseconds. */
  readonly at?: number;
  readonly rounds?: number;
}

/** What it answers. */
export interface Answer {
  /** Until the last caller had a token, or from the server's answer to the durable commit, in milliseconds. */
  readonly time: number;
  /** Two writes of the same size to the same place, one after the other, and nothing else. */
  readonly floor?: number;
  /** How late it began, in milliseconds. */
  readonly late: number;
}

const client: Client = { clientId: "bench" };
const key = new Uint8Array(32).fill(7);
const name = "bench";

await answer<Question, Answer>(async (question) => {
  const { what, callers = 1, at = 0, rounds = 1 } = question;
  const { store, write, close } = await openStore(question.socket);
  try {
    const issuer = await discover(question.issuer, { allowInsecureLoopback: true });
    if (what === "commits") return { ...await commits(issuer, store, write, rounds), late: 0 };
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

/** Writes some bytes so that they survive a power cut. */
type Write = () => void | Promise<unknown>;

/** The median time from the last byte of the answer to the end of the commit of the session. */
async function commits(
  reached: Issuer,
  store: Store,
  write: Write,
  rounds: number,
): Promise<{ time: number; floor: number }> {
  let answeredAt = 0;
  const times: number[] = [];
  const floors: number[] = [];
  const send: Fetch = async (...args: Parameters<Fetch>) => {
    const response = await fetch(...args);
    const body = await response.arrayBuffer();
    answeredAt = performance.now();
    return new Response(body, response);
  };
  const watched: Store = {
    ...store,
    compareAndSet: async (key, expected, value) => {
      const version = await store.compareAndSet(key, expected, value);
      if (key.startsWith("session/") && answeredAt > 0) times.push(performance.now() - answeredAt);
      return version;
    },
  };
  const issuer = await discover(reached.issuer, { allowInsecureLoopback: true, fetch: send });
  await signIn(issuer, store);
  const source = tokenSource(issuer, client, storedSession({ store: watched, key, name }));
  // the first ones are slower by what is loaded and compiled
  for (let round = -10; round < rounds; round++) {
    if (round === 0) times.length = 0;
    await source.get({ force: true });
    const start = performance.now();
    await write();
    await write();
    if (round >= 0) floors.push(performance.now() - start);
  }
  if (times.length !== rounds) throw new Error(`${times.length} commits in ${rounds} rounds`);
  return { time: median(times), floor: median(floors) };
}

interface OpenStore {
  readonly store: Store;
  readonly write: Write;
  close(): void;
}

async function openStore(socket: string | undefined): Promise<OpenStore> {
  if (socket === undefined) return onFiles();
  // not named in full: the configuration of the bench does not know the packages for Redis
  const clients: string = "../../../tests/store/redis_clients.ts";
  const { client, command, close } = await (await import(clients)).connect("ioredis", socket);
  const text = "x".repeat(2000);
  return { store: await redisStore(client), write: () => command("SET", "floor", text), close };
}

/** The files of a workstation, with a lease in memory: here nobody else asks for it. */
function onFiles(): OpenStore {
  const folder = mkdtempSync(join(tmpdir(), "apex-token-bench-"));
  const files = fileStore(join(folder, "store"));
  const leases = memoryStore();
  const nameOf = (key: string) => key.replaceAll("/", ".");
  const store: Store = {
    capabilities: { ...files.capabilities, lease: true },
    read: (key) => files.read(nameOf(key)),
    compareAndSet: (key, expected, value) => files.compareAndSet(nameOf(key), expected, value),
    remove: (key, expected) => files.remove(nameOf(key), expected),
    lease: (key, milliseconds) => leases.lease!(key, milliseconds),
  };
  const bytes = new Uint8Array(2000);
  let writes = 0;
  const write = () => {
    const file = openSync(join(folder, `floor-${writes++}`), "wx");
    writeSync(file, bytes);
    fsyncSync(file);
    closeSync(file);
    const directory = openSync(folder, "r");
    fsyncSync(directory);
    closeSync(directory);
  };
  return { store, write, close: () => rmSync(folder, { recursive: true, force: true }) };
}
