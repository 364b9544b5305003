/**
 * Programs on this machine.
 *
 * @module
 */

import { accessSync, constants, statSync } from "node:fs";
import { posix, win32 } from "node:path";
import type { Environment, Platform } from "./directories.ts";

/** Where a program is looked for. */
export interface Surroundings {
  readonly platform: Platform;
  readonly environment: Environment;
}

/**
 * The whole path of a program: `name` itself when it is an absolute path, else the first hit in the absolute entries of
 * `PATH`. A relative entry (`.`, an empty one) would be the directory we happen to be in, and Windows would look there
 * first, so both are passed over.
 *
 * @returns nothing when there is no such program, or when it is no executable file
 */
export function findExecutable(name: string, surroundings: Surroundings): string | undefined {
  const { isAbsolute, join } = surroundings.platform === "windows" ? win32 : posix;
  if (isAbsolute(name)) return isExecutable(name, surroundings.platform) ? name : undefined;
  if (name === "" || /[/\\]/.test(name)) return undefined;
  for (const directory of absolutePath(surroundings)) {
    const path = join(directory, name);
    if (isExecutable(path, surroundings.platform)) return path;
  }
  return undefined;
}

/** The entries of `PATH` that do not depend on where we are. */
export function absolutePath({ platform, environment }: Surroundings): string[] {
  const { isAbsolute, delimiter } = platform === "windows" ? win32 : posix;
  return (environment("PATH") ?? "").split(delimiter).filter(isAbsolute);
}

function isExecutable(path: string, platform: Platform): boolean {
  try {
    // A batch file cannot be started without a shell.
    if (platform === "windows" && !path.toLowerCase().endsWith(".exe")) return false;
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
