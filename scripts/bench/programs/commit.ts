/**
 * How long an answer of the server is not safe: from its last byte to the log and to the commit, on the files of a
 * workstation and on Redis. One measurement for both: they stand in one table.
 *
 * @module
 */

import { closeSync, fsyncSync, openSync, renameSync, writeSync } from "node:fs";
import { hostAt } from "../../../tests/cli/machine.ts";
import { type Client, discover, passwordGrant, tokenSource } from "../../../mod.ts";
import type { Fetch } from "../../../lib/http/http.ts";
import { readProfile } from "../../../lib/profile/profile_files.ts";
import { renewalOf } from "../../../lib/profile/renewal.ts";
import { runRefresh } from "../../../lib/session/refresh_driver.ts";
import { type Store, storedSession } from "../../../lib/session/stores.ts";
import { redisStore } from "../../../lib/store/redis.ts";
import { answer } from "./answer.ts";

/** What is asked of this program. */
export interface Question {
  /** How many refreshes count, and how many come before, while the runtime loads and compiles. */
  readonly rounds: number;
  readonly warmUps: number;
  readonly on:
    /** A home in which somebody has signed in. */
    | { readonly home: string; readonly profile: string }
    /** The socket of a Redis server, and where to sign in. */
    | { readonly socket: string; readonly issuer: string };
}

/** What it answers: milliseconds. */
export interface Answer {
  /** Two durable writes to the same place and nothing else. On files: a new file, fsync, rename, fsync of its directory. */
  readonly floor: number[];
  readonly logged: number[];
  readonly committed: number[];
}

/** As much as a session has. */
const BYTES = new Uint8Array(2000).fill(1);

await answer<Question, Answer>(async ({ on, rounds, warmUps }) => {
  const watch = stopwatch();
  const { refresh, write, close } = await ("home" in on ? onFiles(on, watch) : onRedis(on, watch));
  const floor: number[] = [];
  for (let round = -warmUps; round < rounds; round++) {
    if (round === 0) watch.forget();
    watch.reset();
    await refresh();
    const start = performance.now();
    await write();
    await write();
    if (round >= 0) floor.push(performance.now() - start);
  }
  close();
  const { logged, committed } = watch.times;
  if (logged.length === rounds && committed.length === rounds) return { floor, logged, committed };
  throw new Error(`${logged.length} logs and ${committed.length} commits in ${rounds} rounds`);
});

/** What a place gives to be measured. */
interface Place {
  /** Renews a token once. */
  refresh(): Promise<unknown>;
  /** Writes some bytes so that they survive a power cut. */
  write(): void | Promise<unknown>;
  close(): void;
}

type Writes = "logged" | "committed";

/** From the moment when the last byte of an answer is handed over by `fetch` to the moments when writes are durable. */
function stopwatch() {
  const times: Record<Writes, number[]> = { logged: [], committed: [] };
  let answeredAt: number | undefined;
  return {
    times,
    /** Before a request: what is written from here on belongs to no answer. */
    reset: () => answeredAt = undefined,
    forget: () => Object.values(times).forEach((list) => list.length = 0),
    fetch: (send: Fetch): Fetch => async (...request) => {
      const response = await send(...request);
      const body = await response.arrayBuffer();
      answeredAt = performance.now();
      return new Response(body, response);
    },
    store: (store: Store, writes: (key: string) => Writes | undefined): Store => ({
      ...store,
      compareAndSet: async (key, expected, value) => {
        const version = await store.compareAndSet(key, expected, value);
        const kind = writes(key);
        if (kind && answeredAt !== undefined) times[kind].push(performance.now() - answeredAt);
        return version;
      },
    }),
  };
}

async function onFiles(
  { home, profile }: { readonly home: string; readonly profile: string },
  watch: ReturnType<typeof stopwatch>,
): Promise<Place> {
  const send = watch.fetch(await hostAt(home).fetch() ?? ((...request) => fetch(...request)));
  const host = hostAt(home, { fetch: () => Promise.resolve(send) });
  const found = readProfile(host, profile);
  const refresh = () => {
    const ports = renewalOf(host, found, { parameters: {}, asked: "", judge: () => "useless" });
    const sessions = watch.store(ports.sessions, () => "committed");
    return runRefresh({ ...ports, sessions, attempts: watch.store(ports.attempts, () => "logged") });
  };
  return { refresh, write: () => writeDurably(home), close: () => {} };
}

function writeDurably(directory: string): void {
  const file = openSync(`${directory}/floor.tmp`, "wx", 0o600);
  writeSync(file, BYTES);
  fsyncSync(file);
  closeSync(file);
  renameSync(`${directory}/floor.tmp`, `${directory}/floor`);
  const folder = openSync(directory, "r");
  fsyncSync(folder);
  closeSync(folder);
}

async function onRedis(
  { socket, issuer: at }: { readonly socket: string; readonly issuer: string },
  watch: ReturnType<typeof stopwatch>,
): Promise<Place> {
  // not named in full: the configuration of the bench does not know the packages for Redis
  const clients: string = "../../../tests/store/redis_clients.ts";
  const { client, command, close } = await (await import(clients)).connect("ioredis", socket);
  const store = watch.store(
    await redisStore(client),
    (key) => key.startsWith("session/") ? "committed" : key.startsWith("attempt/") ? "logged" : undefined,
  );
  const options = { allowInsecureLoopback: true };
  const issuer = await discover(at, { ...options, fetch: watch.fetch((...request) => fetch(...request)) });
  const app: Client = { clientId: "app" };
  const session = storedSession({ store, key: new Uint8Array(32).fill(7), name: "bench" });
  const signedIn = passwordGrant(issuer, app, { username: "ada", password: "lovelace" });
  await session.save(issuer, app, await signedIn);
  const source = tokenSource(issuer, app, session);
  const text = "x".repeat(BYTES.length);
  return {
    refresh: () => source.get({ force: true }),
    write: () => command("SET", "floor", text),
    close,
  };
}
