/**
 * How long an answer of the server is not safe: from its last byte to the log and to the commit on the disk.
 *
 * @module
 */

import { closeSync, fsyncSync, openSync, renameSync, writeSync } from "node:fs";
import { hostAt } from "../../../tests/cli/machine.ts";
import { readProfile } from "../../../lib/profile/profile_files.ts";
import { renewalOf } from "../../../lib/profile/renewal.ts";
import { runRefresh } from "../../../lib/session/refresh_driver.ts";
import { answer } from "./answer.ts";

/** What is asked of this program. */
export interface Question {
  /** A home in which somebody has signed in. */
  readonly home: string;
  readonly profile: string;
  readonly rounds: number;
}

/** What it answers: milliseconds. */
export interface Answer {
  /** Two durable writes and nothing else: a new file, fsync, rename, fsync of its directory. */
  readonly floor: number[];
  readonly logged: number[];
  readonly committed: number[];
}

/** As much as a session has. */
const BYTES = new Uint8Array(2000).fill(1);

await answer<Question, Answer>(async ({ home, profile, rounds }) => {
  const host = hostAt(home);
  const found = readProfile(host, profile);
  const logged: number[] = [];
  const committed: number[] = [];
  const floor: number[] = [];
  for (let round = -5; round < rounds; round++) {
    const ports = renewalOf(host, found, { parameters: {}, asked: "", judge: () => "useless" });
    let answered = 0;
    let last: number[] = [];
    const timed = (store: typeof ports.sessions): typeof ports.sessions => ({
      ...store,
      compareAndSet: async (...args) => {
        const version = await store.compareAndSet(...args);
        if (answered > 0) last.push(performance.now() - answered);
        return version;
      },
    });
    await runRefresh({
      ...ports,
      sessions: timed(ports.sessions),
      attempts: timed(ports.attempts),
      present: async (kept) => {
        const event = await ports.present(kept);
        answered = performance.now();
        last = [];
        return event;
      },
    });
    if (round < 0) continue;
    logged.push(last[0]);
    committed.push(last[1]);
    const start = performance.now();
    writeDurably(home);
    writeDurably(home);
    floor.push(performance.now() - start);
  }
  return { logged, committed, floor };
});

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
