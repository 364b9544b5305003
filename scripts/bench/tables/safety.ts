/**
 * How long a sign-in is at risk in a refresh, and how soon somebody takes over who was waiting.
 *
 * @module
 */

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startProcess } from "../../../tests/process.ts";
import { serve } from "../../../tests/security/served.ts";
import { startRedis } from "../../../tests/store/redis_server.ts";
import { ownBinary } from "../compile.ts";
import { versionsOf } from "../machine.ts";
import { median } from "../measure.ts";
import { personHome, PROFILE } from "../person_home.ts";
import { ask, commandOf, type Runtime, startRotatingServer } from "../processes.ts";
import type { Answer, Question } from "../programs/commit.ts";
import { type Line, type Table, US } from "../table.ts";
import { storeTakeOver } from "./_store_take_over.ts";

const REFRESHES = 200;
const PROCESSES = 9;
/** How long the server takes for its answer, in milliseconds. */
const LATENCY = 50;
const DEATHS = 9;
/** What the disk takes by itself. */
const FLOOR = "two durable writes and nothing else";

/** Measures both. */
export async function safety(): Promise<Table> {
  const scratch = await mkdtemp(join(tmpdir(), "apex-token-bench-"));
  try {
    const lines: Line[] = [];
    for (const runtime of ["Bun", "Deno", "Node"] as const) lines.push(...await onFiles(runtime, scratch));
    const redis = await startRedis();
    try {
      lines.push(...await onRedis(redis.socket));
      lines.push(takeOver("by the compiled program", await deathsOnFiles(scratch)));
      const [kept, replaced] = [
        "on Redis, the server keeps its refresh tokens",
        "on Redis, it replaces them",
      ];
      lines.push(takeOver(kept, await storeTakeOver(redis.socket, "reuse", DEATHS)));
      lines.push(takeOver(replaced, await storeTakeOver(redis.socket, "rotate-strict", 1)));
    } finally {
      await redis.close();
    }
    return {
      name: "safety",
      title: "how long a refresh is at risk",
      notes: [
        `From the last byte of the server's answer, as fetch hands it over, until the answer is on the disk: first as ` +
        `it came (from then on no death of the process costs the sign-in), then as the new session, both encrypted. ` +
        `${REFRESHES} refreshes in one process, after ten; the server takes ${LATENCY} ms, its answer has no ID token. ` +
        `The first refresh of a process, which loads and compiles on the way, in ${PROCESSES} processes.`,
        "Files under the system's folder for temporary files; the floor is two durable writes as the textbook has " +
        "them: a new file, fsync, rename, fsync of the folder. (Ours makes its files while the server thinks.) Redis " +
        "writes with appendfsync always; the floor is two SETs. There the lease is renewed on the way, too.",
        `Take-over: a process is killed while it waits for the answer; until the request of another one, which has ` +
        `been waiting for the lock or the lease, is at the server. ${DEATHS} deaths, the median and the longest. A ` +
        "server that replaces refresh tokens and is not known to forgive must not see one twice: there a lease lasts " +
        "until no answer can be on its way any more (docs/stores.md); one death.",
      ],
      versions: versionsOf([US, "Bun", "Deno", "Node"]),
      lines,
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function onFiles(runtime: Runtime, scratch: string): Promise<Line[]> {
  const folder = `${scratch}/${runtime}`;
  await mkdir(folder);
  const server = await startRotatingServer({ latency: LATENCY, life: 3600, lean: true });
  try {
    const { path } = await personHome(await ownBinary(), folder, server.address, [
      "--allow-insecure-loopback",
    ]);
    return await commits(runtime, runtime, { home: path, profile: PROFILE });
  } finally {
    await server.close();
  }
}

async function onRedis(socket: string): Promise<Line[]> {
  const server = await startRotatingServer({ latency: LATENCY, life: 3600, lean: true });
  try {
    return await commits("Node", "Node on Redis", { socket, issuer: server.address });
  } finally {
    await server.close();
  }
}

async function commits(runtime: Runtime, place: string, on: Question["on"]): Promise<Line[]> {
  const measure = (rounds: number, warmUps: number) =>
    ask<Answer>(commandOf(runtime, "commit.ts"), { on, rounds, warmUps } satisfies Question);
  const { logged, committed, floor } = await measure(REFRESHES, 10);
  const first: number[] = [];
  for (let process = 0; process < PROCESSES; process++) first.push(...(await measure(1, 0)).committed);
  const line = (row: string, times: readonly number[], who = US): Line => ({
    row: `${place}: ${row}`,
    who,
    values: { "ms p50": median(times), "ms p99": percentile(times, 0.99) },
  });
  return [
    line("until the answer is on the disk", logged),
    line("until the session is committed", committed),
    line("until the session is committed", floor, FLOOR),
    line("the same, the first of a process", first),
  ];
}

function takeOver(how: string, times: readonly number[]): Line {
  return {
    row: `take-over ${how}`,
    who: US,
    values: { "ms p50": median(times), "ms p99": Math.max(...times) },
  };
}

async function deathsOnFiles(scratch: string): Promise<number[]> {
  const { origin, intercept, close } = await serve();
  try {
    const binary = await ownBinary();
    const home = await personHome(binary, scratch, origin, ["--allow-insecure-loopback"]);
    const get = () => startProcess(binary, ["get", PROFILE], { env: home.env, cwd: home.path });
    let arrived: () => void = () => {};
    let held = false;
    intercept((request) => {
      if (!request.body.includes("grant_type=refresh_token")) return undefined;
      arrived();
      return held ? new Promise(() => {}) : undefined;
    });
    const next = () => new Promise<void>((resolve) => arrived = resolve);
    const times: number[] = [];
    for (let death = 0; death < DEATHS; death++) {
      await home.forget();
      held = true;
      const owners = next();
      const owner = get();
      await owners;
      const heirs = next();
      const heir = get();
      // until it waits for the lock
      await new Promise((resolve) => setTimeout(resolve, 500));
      held = false;
      const start = performance.now();
      owner.kill("SIGKILL");
      await heirs;
      times.push(performance.now() - start);
      const { code, stderr } = await heir.ended;
      if (code !== 0) throw new Error(`Who took over ended with ${code}: ${stderr}`);
      await owner.ended.catch(() => {});
    }
    return times;
  } finally {
    await close();
  }
}

function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}
