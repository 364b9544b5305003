/**
 * Death at one exact call of the system: `strace` kills a process as it enters the N-th call of a kind. Nothing in the
 * product has to know of it, and it works for the compiled program too.
 *
 * @module
 */

import { readFileSync } from "node:fs";

/** The calls that make something durable, in all their spellings. */
const CALLS = {
  synchronise: "fsync,fdatasync",
  link: "link,linkat",
  rename: "rename,renameat,renameat2",
  remove: "unlink,unlinkat",
  /** The lock is taken and given back by it. */
  lock: "fcntl",
};

/** Where a process dies: as it enters the `count`-th of these calls. */
export interface KillPoint {
  readonly call: keyof typeof CALLS;
  readonly count: number;
}

/** How many of each a refresh makes at least: four writes, of which one is an access token's, and what they leave behind. */
const COUNTS: readonly (readonly [KillPoint["call"], number])[] = [
  ["synchronise", 14],
  ["link", 4],
  ["rename", 1],
  ["remove", 9],
  ["lock", 4],
];

/** Every point of a refresh. */
export const killPoints: readonly KillPoint[] = COUNTS.flatMap(([call, counts]) =>
  Array.from({ length: counts }, (_, before) => ({ call, count: before + 1 }))
);

/**
 * The words before those of a command, so that it dies there. Its process is still the one that is started.
 *
 * @param lock the path of the lock
 * @param trace where it is written what it did
 */
export function killedAt(point: KillPoint, lock: string, trace: string): string[] {
  return struckAt(point, "SIGKILL", lock, trace);
}

/** The same with any signal: `SIGSTOP` has it stand still there. */
export function struckAt(
  { call, count }: KillPoint,
  signal: "SIGKILL" | "SIGSTOP",
  lock: string,
  trace: string,
): string[] {
  const seen = call === "lock"
    ? CALLS.lock
    : Object.values(CALLS).filter((names) => names !== CALLS.lock).join();
  return [
    ...["strace", "-D", "-f", "-qq", "-y", "-ttt", "-o", trace, ...call === "lock" ? ["-P", lock] : []],
    ...["-e", `trace=${seen}`, "-e", `inject=${CALLS[call]}:signal=${signal}:when=${count}`],
  ];
}

/** What a trace tells of a death. */
export interface Death {
  /** In epoch milliseconds. */
  readonly at: number;
  /** The step of the protocol that it was in. */
  readonly step: string;
}

/** Where the process of a trace died; nothing when it has not been killed, or not yet. */
export function deathIn(trace: string): Death | undefined {
  const lines = read(trace).split("\n").filter(Boolean);
  const end = lines.findIndex((line) => /\+\+\+ killed by SIGKILL/.test(line));
  if (end < 0) return undefined;
  const calls = lines.slice(0, end).filter((line) => line.includes("("));
  // it does nothing more from its last call on; that it is dead is written when strace gets round to it
  const at = Number(/(\d+\.\d+)/.exec((calls.at(-1) ?? lines[end]).replace(/^\d+ +/, ""))![1]) * 1000;
  return { at, step: stepOf(calls) };
}

/** The step that the last of these calls belongs to. */
function stepOf(calls: readonly string[]): string {
  const last = calls.at(-1) ?? "";
  const call = /(\w+)\(/.exec(last)?.[1].replace(/at2?$/, "") ?? "?";
  if (last.includes("/locks/")) return `lock (${call})`;
  if (last.includes("/reserve")) return `prepare (${call})`;
  if (last.includes("/tokens/")) return `keep (${call})`;
  const what = last.includes("/t-") ? `${call} of the file` : call;
  if (last.includes("/sessions/")) return `commit (${what})`;
  if (last.includes("/attempts/")) {
    // each write links once: the announcement, the log, and the mark that both are over
    const before = calls.slice(0, -1).filter((line) =>
      /link(?:at)?\(.*\/attempts\/.*\/g-\d+"\) = 0/.test(line)
    );
    const write = before.length - (last.includes("/t-") && !call.startsWith("unlink") ? 0 : 1);
    return `${["announce", "log"][Math.max(write, 0)] ?? "tidy"} (${what})`;
  }
  return `elsewhere (${call})`;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
