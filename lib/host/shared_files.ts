/**
 * Files of this person that another program keeps too: its modes and links are taken as they are, but only this person's
 * own files are read, and what is written is private.
 *
 * @module
 */

import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import process from "node:process";
import { TokenError } from "../errors.ts";
import { inWords, syncDirectory, systemFiles, unlinkQuietly, writeNewFile } from "./_file_calls.ts";
import { shown, systemCode, tooLarge } from "./_file_errors.ts";
import { clearLeftOvers } from "./private_files.ts";

/**
 * Reads a regular file of this person or of root.
 *
 * @returns its bytes, or nothing when there is no such file
 * @throws {TokenError} `storage` when it cannot be read, belongs to somebody else, is no regular file or larger than
 * `limit` bytes
 */
export function readSharedFile(path: string, { limit }: { limit: number }): Uint8Array | undefined {
  return inWords("read", path, () => {
    let file: number;
    try {
      // what stands there may be a pipe, whose writer nobody waits for
      file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    } catch (error) {
      if (["ENOENT", "ENOTDIR"].includes(systemCode(error))) return undefined;
      throw error;
    }
    try {
      const stats = fstatSync(file);
      if (!stats.isFile()) throw refusal(path, "it is not a regular file");
      const me = process.geteuid?.();
      if (me !== undefined && stats.uid !== me && stats.uid !== 0) {
        throw refusal(path, "it belongs to somebody else");
      }
      if (stats.size > limit) throw tooLarge(path, limit);
      return new Uint8Array(readFileSync(file));
    } finally {
      closeSync(file);
    }
  });
}

/**
 * Writes a file in place of the one that is there, mode 0600. A reader sees the old content or the new one; when this
 * returns, the new one is on the disk. Where a link leads to it, the link stays.
 *
 * @throws {TokenError} `storage` when it cannot be written; what was there is then still there
 */
export function writeSharedFile(path: string, bytes: Uint8Array): void {
  inWords("write", path, () => {
    const target = isLink(path) ? realpathSync(path) : resolve(path);
    mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
    const temporary = join(dirname(target), `.${basename(target)}.${crypto.randomUUID()}.tmp`);
    writeNewFile(temporary, bytes, systemFiles);
    clearLeftOvers(target, temporary, systemFiles);
    try {
      renameSync(temporary, target);
    } catch (error) {
      unlinkQuietly(temporary, systemFiles);
      throw error;
    }
    syncDirectory(dirname(target), systemFiles);
  });
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

function refusal(path: string, why: string): TokenError {
  return new TokenError("storage", `Cannot use ${shown(path)}: ${why}`, {
    nextStep: "Move it out of the way",
  });
}
