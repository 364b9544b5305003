/**
 * The calls of the system with a test between them.
 *
 * @module
 */

import * as system from "node:fs";
import type { FileCalls } from "../../lib/host/_file_calls.ts";

/** One call of the system, before it is carried out. */
export interface FileCall {
  readonly name: keyof FileCalls;
  /** 0 for the first call through these files. */
  readonly index: number;
  readonly args: readonly unknown[];
}

const NAMES = [
  "openSync",
  "closeSync",
  "readSync",
  "writeSync",
  "fsyncSync",
  "fdatasyncSync",
  "fstatSync",
  "lstatSync",
  "linkSync",
  "renameSync",
  "unlinkSync",
  "mkdirSync",
  "readdirSync",
] as const;

/** The calls of the system; `before` sees each one and may throw in its place. */
export function watchedFiles(before: (call: FileCall) => void): FileCalls {
  let count = 0;
  const calls = NAMES.map((name) => [
    name,
    (...args: unknown[]) => {
      before({ name, index: count++, args });
      return (system[name] as (...args: unknown[]) => unknown)(...args);
    },
  ]);
  return Object.fromEntries(calls) as FileCalls;
}

/** What the system throws. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: as the system says it, with /a/path`), {
    code,
    errno: -5,
    path: "/a/path",
  });
}

/** The permission bits of a file, as `ls` counts them. */
export function modeOf(path: string): string {
  return (system.lstatSync(path).mode & 0o7777).toString(8);
}
