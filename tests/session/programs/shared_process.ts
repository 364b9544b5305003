// A process that shares a sign-in, or its client's own tokens, with others. Each line on its standard input is a
// command as JSON; each answer is a line that begins with its number.
//
// `shared_process.ts STORE PLACE ISSUER SKEW`: STORE is "ioredis", "redis" or "deno-kv", PLACE its socket or file, SKEW
// by how many seconds the clock of this process is ahead.

import process from "node:process";
import { createInterface } from "node:readline";
import {
  type AccessToken,
  clientCredentials,
  clientSecretPost,
  discover,
  isTokenError,
  systemClock,
  tokenSource,
} from "../../../mod.ts";
import { type Store, storedSession, storedTokens } from "../../../lib/session/stores.ts";
import { type DenoKv, denoKvStore } from "../../../lib/store/deno_kv.ts";
import { redisStore } from "../../../lib/store/redis.ts";

const key = new Uint8Array(32).fill(7);
const [kind, place, url, skew] = process.argv.slice(2);
let aheadBy = Number(skew);
const clock = { ...systemClock, now: () => Date.now() + aheadBy * 1000 };

async function openStore(): Promise<Store> {
  if (kind === "deno-kv") {
    const { openKv } = (globalThis as unknown as { Deno: { openKv(path: string): Promise<DenoKv> } }).Deno;
    return denoKvStore(await openKv(place), { deadline: 60_000 });
  }
  const { connect } = await import("../../store/redis_clients.ts");
  return await redisStore((await connect(kind as "redis", place)).client, { deadline: 8000 });
}

const store = await openStore();
const issuer = await discover(url, { allowInsecureLoopback: true, clock });
const session = storedSession({ store, key, name: "catalogue", clock });
const people = tokenSource(issuer, { clientId: "app" }, session);
const service = tokenSource(
  issuer,
  { clientId: "service", authentication: clientSecretPost("service-secret") },
  storedTokens(clientCredentials(), { store, key, name: "service", clock }),
);

interface Command {
  readonly what: "get" | "service" | "save" | "later";
  /** How many callers there are at once. */
  readonly callers?: number;
  /** By how many seconds the clock goes on first. */
  readonly seconds?: number;
  readonly accessToken?: string;
  readonly refreshToken?: string;
}

async function carryOut(command: Command): Promise<unknown> {
  const { what, callers = 1, seconds = 0, accessToken = "", refreshToken } = command;
  aheadBy += seconds;
  if (what === "later") return {};
  if (what === "save") {
    const issuedAt = Math.floor(clock.now() / 1000);
    const tokens = { accessToken, refreshToken, tokenType: "Bearer", issuedAt, expiresAt: issuedAt + 300 };
    return { saved: await session.save(issuer, { clientId: "app" }, tokens) };
  }
  const source = what === "get" ? people : service;
  const all = await Promise.allSettled(Array.from({ length: callers }, () => source.get()));
  const tokens = all.flatMap((one: PromiseSettledResult<AccessToken>) =>
    one.status === "fulfilled" ? one.value.accessToken : []
  );
  const errors = all.flatMap((one) =>
    one.status === "rejected" ? isTokenError(one.reason) ? one.reason.code : String(one.reason) : []
  );
  return { count: tokens.length, tokens: [...new Set(tokens)], errors: [...new Set(errors)] };
}

let commands = 0;
createInterface({ input: process.stdin }).on("line", async (line: string) => {
  const number = ++commands;
  const answer = await carryOut(JSON.parse(line)).catch((error) => ({ failure: String(error) }));
  console.log(`answer ${number} ${JSON.stringify(answer)}`);
}).on("close", () => process.exit());
console.log("ready");
