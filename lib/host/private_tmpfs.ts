/**
 * The directory of the log-in session, where it is private and in memory: what is in it is gone with the power.
 *
 * @module
 */

import { lstatSync, statfsSync } from "node:fs";
import { posix } from "node:path";
import { TokenError } from "../errors.ts";
import { refuseForeignDirectory, shown } from "./_file_errors.ts";
import type { Environment } from "./directories.ts";

/** `TMPFS_MAGIC` and `RAMFS_MAGIC` of Linux. */
const IN_MEMORY: readonly number[] = [0x01021994, 0x858458f6];

/**
 * `$XDG_RUNTIME_DIR/apex-token/tokens`, if the first part is a directory of this user with nothing for others (0700) on
 * a file system in memory. It is not made here.
 *
 * @throws {TokenError} `storage` when there is none, or it is not private
 */
export function privateTmpfs(environment: Environment): string {
  const directory = environment("XDG_RUNTIME_DIR");
  if (!directory || !posix.isAbsolute(directory)) throw unusable("XDG_RUNTIME_DIR does not name a directory");
  let type: number;
  try {
    refuseForeignDirectory(directory, lstatSync(directory));
    type = Number(statfsSync(directory).type) >>> 0;
  } catch (error) {
    if (error instanceof TokenError) throw error;
    throw unusable(`${shown(directory)} cannot be read`);
  }
  if (!IN_MEMORY.includes(type)) throw unusable(`${shown(directory)} is not in memory (tmpfs)`);
  return posix.join(directory, "apex-token/tokens");
}

function unusable(why: string): TokenError {
  return new TokenError("storage", `Cannot keep a bare copy of access tokens: ${why}`, {
    nextStep:
      "Leave --fast-cache out; or run it in a log-in session, which has a private directory in memory",
  });
}
