/**
 * The processes of the torture, from their start to their end, and how they are killed.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { deathIn, killedAt, type KillPoint } from "./kill_points.ts";
import type { Participant } from "./participants.ts";

/** A process that takes part. */
export interface Victim {
  readonly participant: Participant;
  readonly pid: number;
  /** In epoch milliseconds. */
  readonly startedAt: number;
  killedAt?: number;
  step?: string;
  /** How it ended; by then it is known where it was killed. */
  readonly ended: Promise<Ending>;
  /** `kill -9`; returns when it is dead. */
  kill(step: string): Promise<void>;
}

/** How a process ended. */
export interface Ending {
  /** Nothing when it was killed. */
  readonly code?: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a process is started. */
export interface VictimOptions {
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Where it is to die. */
  readonly point?: KillPoint;
  /** The path of the lock. */
  readonly lock: string;
  /** The file for what it did until then. */
  readonly trace: string;
  /** Told each line on its standard output. */
  readonly heard?: (line: string) => void;
}

/** Starts a process. */
export function startVictim(participant: Participant, options: VictimOptions): Victim {
  const { words, env, point, lock, trace, heard } = options;
  const [program, ...args] = [...point ? killedAt(point, lock, trace) : [], ...words];
  const child = spawn(program, args, { cwd: env.HOME, env, stdio: ["ignore", "pipe", "pipe"] });
  if (heard) createInterface({ input: child.stdout }).on("line", heard);
  let died: () => void;
  const dead = new Promise<void>((resolve) => died = resolve);
  child.on("exit", () => died());
  const victim: Victim = {
    participant,
    pid: child.pid!,
    startedAt: Date.now(),
    kill: async (step) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      victim.killedAt ??= Date.now();
      victim.step ??= step;
      child.kill("SIGKILL");
      await dead;
    },
    ended: endOf(child, async () => {
      if (!point || victim.killedAt !== undefined) return;
      const { at, step } = await traced(trace);
      victim.killedAt = at;
      victim.step = step;
    }),
  };
  victim.ended.catch(() => {});
  return victim;
}

function endOf(child: ChildProcess, killed: () => Promise<void>): Promise<Ending> {
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream]!.setEncoding("utf8").on("data", (text: string) => output[stream] += text);
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", async (code, signal) => {
      try {
        if (signal === "SIGKILL") await killed();
        resolve(code === null ? output : { code, ...output });
      } catch (error) {
        reject(error);
      }
    });
  });
}

/** What the trace says; whoever writes it may be a moment behind. */
async function traced(trace: string): Promise<{ at: number; step: string }> {
  for (let tries = 0; tries < 6000; tries++) {
    const death = deathIn(trace);
    if (death) return death;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`A process was killed, and ${trace} does not say where`);
}

/** The name of a process for people. */
export function named({ participant, pid }: Pick<Victim, "participant" | "pid">): string {
  return `${participant.runtime} ${participant.what} ${pid}`;
}
