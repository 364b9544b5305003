/**
 * Whether something can be kept in a directory, found out before there is anything to keep.
 *
 * @module
 */

import { lstatSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { type FileCallOptions, inWords, systemFiles, unlinkQuietly, writeNewFile } from "./_file_calls.ts";
import { isPrivateDirectory } from "./private_files.ts";

/** What a sign-in takes with its key and its first token, in bytes, and the files that make way for them. */
const ROOM = 64 * 1024;

/**
 * Makes sure that files can be made in `directory`, now or once it is made itself. A file is made and removed there, or in the nearest directory above it
 * that is there: nothing else knows of read-only disks, quotas and access lists.
 *
 * @throws {TokenError} `storage` when it cannot be written, when a link on the way leads nowhere, or when the disk is full
 */
export function checkRoom(directory: string, { files = systemFiles }: FileCallOptions = {}): void {
  const wanted = resolve(directory);
  inWords("write", wanted, () => {
    const trial = join(nearest(wanted), `.apex-token.${crypto.randomUUID()}.tmp`);
    writeNewFile(trial, crypto.getRandomValues(new Uint8Array(ROOM)), files);
    unlinkQuietly(trial, files);
  });
}

/**
 * The same for a directory that must be private where it is there.
 *
 * @throws {TokenError} `storage` as `checkRoom`, and when others have access to it, or something else is in its place
 */
export function checkPrivateRoom(directory: string, options: FileCallOptions = {}): void {
  isPrivateDirectory(directory, options);
  checkRoom(directory, options);
}

/** The directory itself, or the nearest one above it that is there. */
function nearest(directory: string): string {
  for (let at = directory;; at = dirname(at)) {
    if (isThere(at) || at === dirname(at)) return at;
  }
}

/** Whether there is anything of that name, such as a link that leads nowhere. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    // what is above it is no directory, or cannot be entered: to write there says why
    return false;
  }
}
