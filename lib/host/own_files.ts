/**
 * Files without secrets that nobody but their owner may change. Others may read them, and a link of the owner's may lead
 * to them: those who keep their settings in a repository of dotfiles have both.
 *
 * @module
 */

import { chmodSync, closeSync, constants, fstatSync, lstatSync, openSync } from "node:fs";
import { inWords, readToTheEnd, systemFiles } from "./_file_calls.ts";
import { refuseChangeableFile, refuseForeignFile, refuseForeignOwner } from "./_file_errors.ts";

/**
 * Reads a file that only this user can change.
 *
 * @param limit the largest file that is read, in bytes
 * @returns its bytes, or nothing when there is no such file
 * @throws {TokenError} `storage` when it cannot be read, when it or the link to it belongs to somebody else, when others
 * can change it, or when it is larger than `limit`
 */
export function readOwnFile(path: string, { limit }: { readonly limit: number }): Uint8Array | undefined {
  return inWords("read", path, () => {
    const named = lstatSync(path, { throwIfNoEntry: false });
    if (!named) return undefined;
    refuseForeignOwner(path, named);
    // Windows does not know the second; it does not wait for the writer of a pipe
    const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const stats = fstatSync(file);
      refuseChangeableFile(path, stats, limit);
      return readToTheEnd(path, file, stats.size, limit, systemFiles);
    } finally {
      closeSync(file);
    }
  });
}

/**
 * Makes sure that a private file may be written in place of what is there; a file of this user that others can read is
 * closed to them.
 *
 * @throws {TokenError} `storage` for a link, which somebody has put there on purpose, and for what is somebody else's
 */
export function makeWay(path: string): void {
  inWords("write", path, () => {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (!stats) return;
    if (stats.isSymbolicLink()) refuseForeignFile(path, stats, Infinity, Infinity);
    refuseChangeableFile(path, stats, Infinity);
    if ((stats.mode & 0o077) !== 0) chmodSync(path, 0o600);
  });
}
