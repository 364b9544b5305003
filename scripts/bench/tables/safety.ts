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
import { ownBinary } from "../compile.ts";
import { versionsOf } from "../machine.ts";
import { median } from "../measure.ts";
import { personHome, PROFILE } from "../person_home.ts";
import { ask, commandOf, type Runtime, startRotatingServer } from "../processes.ts";
import type { Answer, Question } from "../programs/commit.ts";
import { type Line, type Table, US } from "../table.ts";

const REFRESHES = 200;
const DEATHS = 9;
/** What the disk takes by itself. */
const FLOOR = "two durable writes and nothing else";

/** Measures both. */
export async function safety(): Promise<Table> {
  const scratch = await mkdtemp(join(tmpdir(), "apex-token-bench-"));
  try {
    const lines: Line[] = [];
    for (const runtime of ["Bun", "Deno", "Node"] as const) lines.push(...await commits(runtime, scratch));
    lines.push(await takeOver(scratch));
    return {
      name: "safety",
      title: "how long a refresh is at risk",
      notes: [
        `From the last byte of the server's answer until it is on the disk: first as it came (from then on no death ` +
        `of the process costs the sign-in), then as the new session. ${REFRESHES} refreshes in one process, the answer ` +
        "without an ID token, files under the system's folder for temporary files. The floor is two durable writes " +
        "as the textbook has them: a new file, fsync, rename, fsync of the folder. (Ours makes its files while the " +
        "server thinks, so that it can be below that.)",
        `Take-over: a process is killed while it waits for the answer; until the request of another one, which has ` +
        `been waiting for the lock, is at the server. ${DEATHS} deaths.`,
      ],
      versions: versionsOf([US, "Bun", "Deno", "Node"]),
      lines,
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function commits(runtime: Runtime, scratch: string): Promise<Line[]> {
  const folder = `${scratch}/${runtime}`;
  await mkdir(folder);
  const server = await startRotatingServer({ latency: 0, life: 3600, lean: true });
  try {
    const home = await personHome(await ownBinary(), folder, server.address, ["--allow-insecure-loopback"]);
    const question: Question = { home: home.path, profile: PROFILE, rounds: REFRESHES };
    const { logged, committed, floor } = await ask<Answer>(commandOf(runtime, "commit.ts"), question);
    const line = (row: string, times: readonly number[], who = US): Line => ({
      row: `${runtime}: ${row}`,
      who,
      values: { "ms p50": median(times), "ms p99": percentile(times, 0.99) },
    });
    return [
      line("until the answer is on the disk", logged),
      line("until the session is committed", committed),
      line("until the session is committed", floor, FLOOR),
    ];
  } finally {
    await server.close();
  }
}

async function takeOver(scratch: string): Promise<Line> {
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
    return {
      row: "take-over by the compiled program",
      who: US,
      values: { "ms p50": median(times), "ms p99": Math.max(...times) },
    };
  } finally {
    await close();
  }
}

function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}
