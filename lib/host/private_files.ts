/**
 * Files that only their owner can read: made so, kept so, and refused when they are not.
 *
 * @module
 */

import { basename, dirname, join, resolve } from "node:path";
import { TokenError } from "../errors.ts";
import {
  type FileCallOptions,
  type FileCalls,
  inWords,
  openToRead,
  readToTheEnd,
  syncDirectory,
  systemFiles,
  unlinkQuietly,
  writeNewFile,
} from "./_file_calls.ts";
import {
  refuseForeignDirectory,
  refuseForeignFile,
  shown,
  storageError,
  systemCode,
} from "./_file_errors.ts";

export type { FileCallOptions, FileCalls } from "./_file_calls.ts";

/** The options of {@linkcode readPrivateFile}. */
export interface ReadPrivateFileOptions extends FileCallOptions {
  /** The largest file that is read, in bytes. */
  limit: number;
  /**
   * How many names the file may have. Default 1: a second one may be a neighbour's way to have another file of yours
   * read in place of this one.
   */
  links?: number;
}

/** How old a left-over of a write that never ended must be before the next write clears it away, in milliseconds. */
const LEFT_OVER_AGE = 10 * 60_000;

/**
 * Reads a file that must be private: a regular file of this user with nothing for group and others.
 *
 * @returns its bytes, or nothing when there is no such file
 * @throws {TokenError} `storage` when it cannot be read, is not private, or is larger than `limit`
 */
export function readPrivateFile(path: string, options: ReadPrivateFileOptions): Uint8Array | undefined {
  const { limit, links = 1, files = systemFiles } = options;
  return inWords("read", path, () => {
    let file: number;
    try {
      file = openToRead(path, files);
    } catch (error) {
      if (systemCode(error) === "ENOENT") return undefined;
      throw error;
    }
    try {
      const stats = files.fstatSync(file);
      refuseForeignFile(path, stats, limit, links);
      return readToTheEnd(path, file, stats.size, limit, files);
    } finally {
      files.closeSync(file);
    }
  });
}

/**
 * Writes a private file (0600, in a 0700 directory, which is made where it is missing). A reader sees the old content
 * or the new one, never a part; when this returns, the new one is on the disk.
 *
 * @throws {TokenError} `storage` when it cannot be written, or when what is there is not private; what was there is
 * then still there
 */
export function writePrivateFileAtomically(
  path: string,
  bytes: Uint8Array,
  options: FileCallOptions = {},
): void {
  const files = options.files ?? systemFiles;
  ensurePrivateDirectory(dirname(resolve(path)), { files });
  refuseForeignTarget(path, files);
  inWords("write", path, () => {
    const temporary = temporaryName(path);
    writeNewFile(temporary, bytes, files);
    clearLeftOvers(path, temporary, files);
    try {
      files.renameSync(temporary, path);
    } catch (error) {
      unlinkQuietly(temporary, files);
      throw error;
    }
    syncDirectory(dirname(resolve(path)), files);
  });
}

/**
 * Writes a private file if there is none of that name. Of several who try at once, one does.
 *
 * @returns whether this call made it
 * @throws {TokenError} `storage` when it cannot be written
 */
export function createPrivateFile(path: string, bytes: Uint8Array, options: FileCallOptions = {}): boolean {
  const files = options.files ?? systemFiles;
  ensurePrivateDirectory(dirname(resolve(path)), { files });
  return inWords("write", path, () => {
    const temporary = temporaryName(path);
    writeNewFile(temporary, bytes, files);
    clearLeftOvers(path, temporary, files);
    try {
      // Not `rename`: that would silently replace the file of whoever was faster.
      files.linkSync(temporary, path);
    } catch (error) {
      if (systemCode(error) === "EEXIST") return false;
      throw error;
    } finally {
      unlinkQuietly(temporary, files);
    }
    syncDirectory(dirname(resolve(path)), files);
    return true;
  });
}

/**
 * Removes a file. A link is removed, not what it points to.
 *
 * @returns whether there was one
 * @throws {TokenError} `storage` when it cannot be removed
 */
export function removePrivateFile(path: string, options: FileCallOptions = {}): boolean {
  const files = options.files ?? systemFiles;
  return inWords("remove", path, () => {
    try {
      files.unlinkSync(path);
    } catch (error) {
      if (systemCode(error) === "ENOENT") return false;
      throw error;
    }
    syncDirectory(dirname(resolve(path)), files);
    return true;
  });
}

/**
 * Makes sure that `path` is a directory of this user with nothing for group and others (0700). Makes it, and the
 * directories above it, where they are missing; changes nothing that is there.
 *
 * @throws {TokenError} `storage` when it is not private or cannot be made
 */
export function ensurePrivateDirectory(path: string, options: FileCallOptions = {}): void {
  const files = options.files ?? systemFiles;
  // Without a slash at the end: with one, the system would look behind a link.
  const directory = resolve(path);
  if (isPrivateDirectory(directory, { files })) return;
  const first = inWords(
    "make",
    directory,
    () => files.mkdirSync(directory, { recursive: true, mode: 0o700 }),
  );
  try {
    if (!isPrivateDirectory(directory, { files })) throw storageError("make", directory, { code: "ENOENT" });
  } catch (error) {
    if (first === undefined) throw error;
    throw new TokenError(
      "storage",
      `Cannot keep ${shown(directory)} private: its file system has no permissions`,
      {
        nextStep: "Name a directory on another file system",
      },
    );
  }
  if (first !== undefined) syncUpTo(directory, first, files);
}

/**
 * Whether `path` is a private directory.
 *
 * @returns true, or false when there is nothing of that name
 * @throws {TokenError} `storage` when there is something else, or when it is not private
 */
export function isPrivateDirectory(path: string, options: FileCallOptions = {}): boolean {
  const files = options.files ?? systemFiles;
  const directory = resolve(path);
  return inWords("read", directory, () => {
    const stats = files.lstatSync(directory, { throwIfNoEntry: false });
    if (stats) refuseForeignDirectory(directory, stats);
    return stats !== undefined;
  });
}

/** A file that others can read, or a link, is not written over: somebody should know of it first. */
function refuseForeignTarget(path: string, files: FileCalls): void {
  inWords("write", path, () => {
    const stats = files.lstatSync(path, { throwIfNoEntry: false });
    if (stats) refuseForeignFile(path, stats, Infinity, Infinity);
  });
}

function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${crypto.randomUUID()}.tmp`);
}

/**
 * Clears away what writes of `path` left behind that never ended. By age only: a young one may belong to a process that is writing right now. Age is counted from the file just
 * written, by the clock of the file system.
 */
export function clearLeftOvers(path: string, temporary: string, files: FileCalls): void {
  const directory = dirname(resolve(path));
  const prefix = `.${basename(path)}.`;
  const now = files.lstatSync(temporary).mtimeMs;
  for (const name of files.readdirSync(directory)) {
    // What is left between the two must be one UUID: "a.b" is another file than "a".
    if (!name.startsWith(prefix) || !/^[0-9a-f-]{36}\.tmp$/.test(name.slice(prefix.length))) continue;
    const stats = files.lstatSync(join(directory, name), { throwIfNoEntry: false });
    if (stats && now - stats.mtimeMs > LEFT_OVER_AGE) unlinkQuietly(join(directory, name), files);
  }
}

/**
 * Puts the names of a directory and of all above it on the disk. Whoever made them may have died before it did so: they
 * are there for everybody, and gone with the power.
 *
 * @throws {TokenError} `storage` when the disk fails
 */
export function syncPath(path: string, options: FileCallOptions = {}): void {
  const files = options.files ?? systemFiles;
  syncUpTo(resolve(path), "", files);
}

/** A new directory is on the disk when the directory above it is. */
function syncUpTo(directory: string, first: string, files: FileCalls): void {
  const last = first && dirname(resolve(first));
  for (let parent = dirname(directory);; parent = dirname(parent)) {
    try {
      syncDirectory(parent, files);
    } catch (error) {
      // One that may be entered but not read (/home with mode 0711): the system puts it on the disk in its time.
      if (!["EACCES", "EPERM"].includes(systemCode(error))) throw storageError("write", parent, error);
    }
    if (parent === last || parent === dirname(parent)) return;
  }
}
