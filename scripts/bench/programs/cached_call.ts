/**
 * What a cached token costs inside a running program, beside the least that there could be: an async function that
 * compares the time; with many scopes also one that finds what it compares with in a Map of as many.
 *
 * @module
 */

import { interleave, median, ratio } from "../measure.ts";
import { answer } from "./answer.ts";
import { libraries, requestsTo, type TokenClient } from "./clients.ts";

/** What is asked of this program. */
export interface Question {
  readonly who: string;
  /** An issuer of the token server. */
  readonly issuer: string;
  /** How many scopes are cached; 0 for one token without a scope. */
  readonly scopes: number;
  readonly rounds: number;
}

/** What it answers. */
export interface Answer {
  /** Nanoseconds for one call. */
  readonly call: number;
  /** Nanoseconds for one call of the function that compares the time. */
  readonly floor: number;
  /** The one divided by the other. */
  readonly ratio: number;
  /** Nanoseconds for one call of the function with the Map; absent without scopes. */
  readonly mapFloor?: number;
  /** The call divided by that. */
  readonly mapRatio?: number;
}

type Call = (index: number) => Promise<unknown>;

/** How long one batch takes, in milliseconds. */
const BATCH = 5;
/** Batches before those that count: a compiler that works beside a busy machine takes its time. */
const WARM_UPS = 40;
/** How many tokens are fetched at once while the cache is filled. */
const CONCURRENCY = 50;

await answer<Question, Answer>(async ({ who, issuer, scopes, rounds }) => {
  const call = await cachedCall(who, issuer, scopes);
  const measureCall = await batches(call);
  const measureFloor = await batches(floor());
  const subjects: Record<string, () => Promise<number>> = { call: measureCall, floor: measureFloor };
  if (scopes > 0) subjects.mapFloor = await batches(mapFloor(scopes));
  const samples = await interleave(subjects, { rounds, warmUps: WARM_UPS });
  return {
    call: median(samples.call),
    floor: median(samples.floor),
    ratio: ratio(samples.call, samples.floor),
    ...(scopes > 0
      ? { mapFloor: median(samples.mapFloor), mapRatio: ratio(samples.call, samples.mapFloor) }
      : {}),
  };
});

async function cachedCall(who: string, issuer: string, scopes: number): Promise<Call> {
  const client = await libraries[who].make(issuer);
  const names = namesOf(scopes);
  await askForEach(client, names);
  const requests = await requestsTo(issuer);
  await askForEach(client, names);
  if (await requestsTo(issuer) !== requests) {
    throw new Error(`${who} did not cache ${scopes} tokens`);
  }
  return scopes === 0 ? () => client.get() : (index) => client.get(names[index % scopes]);
}

async function askForEach(client: TokenClient, names: readonly string[]): Promise<void> {
  if (names.length === 0) await client.get();
  for (let at = 0; at < names.length; at += CONCURRENCY) {
    await Promise.all(names.slice(at, at + CONCURRENCY).map((name) => client.get(name)));
  }
}

function floor(): Call {
  const token = { accessToken: "token", expiresAt: Date.now() + 3_600_000 };
  // deno-lint-ignore require-await -- the cost of an async function is what is measured
  return async () => Date.now() < token.expiresAt ? token : undefined;
}

/** The same among as many tokens as there are scopes: what the machine's memory costs, whoever keeps them. */
function mapFloor(scopes: number): Call {
  const names = namesOf(scopes);
  const tokens = new Map(
    names.map((scope) => [scope, { accessToken: `token-${scope}`, expiresAt: Date.now() + 3_600_000 }]),
  );
  // deno-lint-ignore require-await -- the cost of an async function is what is measured
  const get = async ({ scope }: { scope: string }) => {
    const token = tokens.get(scope)!;
    return Date.now() < token.expiresAt ? token : undefined;
  };
  return (index) => get({ scope: names[index % scopes] });
}

function namesOf(scopes: number): string[] {
  return Array.from({ length: scopes }, (_, index) => `scope-${index}`);
}

/** A measurement of `call`: nanoseconds a call, over a batch. */
async function batches(call: Call): Promise<() => Promise<number>> {
  // A function of its own for each subject: one loop for both would remember both at its call.
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
  const loop = new AsyncFunction(
    "call",
    "count",
    "for (let i = 0; i < count; i++) await call(i);",
  );
  const timed = async (count: number) => {
    const start = performance.now();
    await loop(call, count);
    return performance.now() - start;
  };
  let count = 16;
  while (await timed(count) < BATCH) count *= 2;
  return async () => await timed(count) / count * 1e6;
}
