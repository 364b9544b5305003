/**
 * Room on the disk that is taken before it is needed: when the disk is full at the worst moment, it is given back.
 *
 * @module
 */

import { type FileCallOptions, inWords, systemFiles } from "./_file_calls.ts";
import { createPrivateFile, removePrivateFile } from "./private_files.ts";

/** Enough for a session and all that its write needs, in bytes. */
const SIZE = 64 * 1024;

/**
 * Makes sure that the reserve is there.
 *
 * @throws {TokenError} `storage` when there is no room for it, or its place cannot be written
 */
export function ensureReserve(path: string, options: FileCallOptions = {}): void {
  const { files = systemFiles } = options;
  const there = inWords("read", path, () => files.lstatSync(path, { throwIfNoEntry: false }));
  // with a second name, its room would not come free: whoever made it died in between
  if (there?.size === SIZE && there.nlink === 1) return;
  if (there) removePrivateFile(path, options);
  // random: a file system that packs its files would keep zeros in no room at all
  createPrivateFile(path, randomBytes(), options);
}

/** Gives the room back. */
export function freeReserve(path: string, options: FileCallOptions = {}): void {
  removePrivateFile(path, options);
}

function randomBytes(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(SIZE));
}
