/**
 * What everything in one torture shares.
 *
 * @module
 */

import { directories } from "../../lib/host/directories.ts";
import type { Random } from "../simulator/random.ts";
import { type Participant, type StartOptions, wordsOf } from "./participants.ts";
import type { Records } from "./records.ts";
import { startVictim, type Victim, type VictimOptions } from "./victims.ts";

/** The profile of everybody. */
export const PROFILE = "tortured";

/** What one kind of process did. */
export interface Part {
  processes: number;
  tokens: number;
  refreshes: number;
  kills: number;
}

/** What is counted. */
export interface Tally {
  readonly parts: Map<Participant, Part>;
  /** By the step at which somebody was killed. */
  readonly kills: Map<string, number>;
  /** Sign-ins that this package ended itself, each in words. */
  readonly revokedByUs: string[];
  /** Sign-ins that had to be repeated, by their cause. */
  readonly forcedSignIns: Map<string, number>;
  /** Whatever else went wrong that nobody had a reason to expect. */
  readonly unexpected: string[];
  /** The longest that somebody waited for a token, in milliseconds. */
  longestWait: number;
}

/** One torture. */
export interface Scene {
  readonly random: Random;
  readonly home: string;
  readonly binary: string;
  readonly lockless: boolean;
  readonly env: Readonly<Record<string, string>>;
  /** By their process id. */
  readonly alive: Map<number, Victim>;
  readonly records: Records;
  readonly tally: Tally;
  /** Whether nobody is killed any more. */
  over: boolean;
  /** A file that nobody else has. */
  file(): string;
}

/** Starts a process that takes part. */
export function take(
  scene: Scene,
  participant: Participant,
  force: number,
  options: Pick<VictimOptions, "point" | "heard"> = {},
): Victim {
  const { binary, lockless, env, alive, tally } = scene;
  const start: StartOptions = { binary, profile: PROFILE, lockless, force };
  const words = wordsOf(participant, start);
  const victim = startVictim(participant, {
    ...options,
    words,
    env,
    lock: lockOf(scene),
    trace: scene.file(),
  });
  const part = tally.parts.get(participant)!;
  part.processes++;
  alive.set(victim.pid, victim);
  victim.ended.then(({ code }) => {
    alive.delete(victim.pid);
    if (code !== undefined || victim.step === THE_END) return;
    part.kills++;
    count(tally.kills, victim.step ?? "unknown");
  }, (error) => {
    alive.delete(victim.pid);
    tally.unexpected.push(String(error));
  });
  return victim;
}

function lockOf({ home }: Scene): string {
  const { state } = directories({ platform: "linux", environment: () => undefined, home });
  return `${state}/locks/${PROFILE}`;
}

/** What a program is killed for that has done its part. */
export const THE_END = "the end";

/** Counts one more. */
export function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
