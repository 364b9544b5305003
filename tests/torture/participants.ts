/**
 * Who takes part in the torture: the command line on each runtime, and programs that use the library.
 *
 * @module
 */

import { join } from "node:path";
import process from "node:process";
import { bun, compileCaches, deno, node, root } from "../../scripts/toolchain.ts";

/** What runs it; the binary is its own runtime. */
export type Runtime = "deno" | "bun" | "node" | "binary";

/** A kind of process. */
export interface Participant {
  readonly runtime: Runtime;
  /** A command runs once; a program runs until it is killed. */
  readonly what: "command" | "program";
}

/** All of them. */
export const participants: readonly Participant[] = [
  { runtime: "deno", what: "program" },
  { runtime: "bun", what: "program" },
  { runtime: "node", what: "program" },
  { runtime: "deno", what: "command" },
  { runtime: "bun", what: "command" },
  { runtime: "node", what: "command" },
  { runtime: "binary", what: "command" },
];

/** How a participant is started. */
export interface StartOptions {
  readonly binary: string;
  readonly profile: string;
  /** Takes the lock away from it. */
  readonly lockless: boolean;
  /** Whether a command calls its token bad, and how often (0 to 1) a program does. */
  readonly force: number;
}

/** The words that start a participant. */
export function wordsOf({ runtime, what }: Participant, options: StartOptions): string[] {
  const { binary, profile, lockless, force } = options;
  const args = what === "program" ? [profile, String(force)] : ["get", profile, ...force ? ["--force"] : []];
  if (runtime === "binary") return [binary, ...args];
  const script = what === "program" ? `${root}tests/torture/looper.ts` : `${root}cli.ts`;
  const broken = lockless ? [`${root}tests/torture/no_lock.ts`] : [];
  switch (runtime) {
    case "deno": {
      const preload = broken.map((path) => `--preload=${path}`);
      return [deno(), "run", "-A", "--no-check", "--cached-only", ...preload, script, ...args];
    }
    case "bun":
      return [bun(), ...broken.flatMap((path) => ["--preload", path]), script, ...args];
    case "node":
      return [node(), ...broken.flatMap((path) => ["--import", path]), script, ...args];
  }
}

/** The environment of all of them: a home, and where the runtimes keep what they compiled. */
export function environmentOf(home: string): Record<string, string> {
  const { PATH = "", DENO_DIR, HOME = "/" } = process.env;
  return {
    PATH,
    HOME: home,
    DENO_DIR: DENO_DIR ?? join(HOME, ".cache/deno"),
    DENO_NO_UPDATE_CHECK: "1",
    ...compileCaches,
  };
}
