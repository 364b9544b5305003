/**
 * The few calls of the system that the files of this folder are made of.
 *
 * @module
 */

import process from "node:process";
import * as system from "node:fs";
import { storageError, systemCode, tooLarge } from "./_file_errors.ts";

/** The calls that keep a file. Tests put faults between them. */
export type FileCalls = Pick<
  typeof system,
  | "openSync"
  | "closeSync"
  | "readSync"
  | "writeSync"
  | "fsyncSync"
  | "fdatasyncSync"
  | "fstatSync"
  | "lstatSync"
  | "linkSync"
  | "renameSync"
  | "unlinkSync"
  | "mkdirSync"
  | "readdirSync"
>;

/** Which calls a function uses. */
export interface FileCallOptions {
  /** Default: those of the system. */
  files?: FileCalls;
}

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL } = system.constants;
// Windows knows neither.
const O_NOFOLLOW = system.constants.O_NOFOLLOW ?? 0;
const O_NONBLOCK = system.constants.O_NONBLOCK ?? 0;

/** The calls of the system. */
export const systemFiles: FileCalls = system;

/** Opens a file for reading. Follows no link, and does not wait for the writer of a pipe that stands in its place. */
export function openToRead(path: string, files: FileCalls): number {
  return files.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
}

/**
 * Makes a file that was not there, mode 0600 under any umask, with its content on the disk. Leaves none behind when
 * it fails.
 *
 * @throws the system's error
 */
export function writeNewFile(path: string, bytes: Uint8Array, files: FileCalls): void {
  const file = files.openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    try {
      writeFrom(file, bytes, files);
      files.fsyncSync(file);
    } finally {
      files.closeSync(file);
    }
  } catch (error) {
    unlinkQuietly(path, files);
    throw error;
  }
}

/**
 * Writes over the beginning of a file that is there, and puts that on the disk. It needs no new room, and the disk no
 * note of where it is: it takes a fraction of the time that a new file does.
 *
 * @throws the system's error
 */
export function writeOver(path: string, bytes: Uint8Array, files: FileCalls): void {
  const file = files.openSync(path, O_WRONLY | O_NOFOLLOW);
  try {
    writeFrom(file, bytes, files);
    files.fdatasyncSync(file);
  } finally {
    files.closeSync(file);
  }
}

function writeFrom(file: number, bytes: Uint8Array, files: FileCalls): void {
  let written = 0;
  while (written < bytes.length) {
    written += files.writeSync(file, bytes, written, bytes.length - written);
  }
}

/** Puts the names in a directory on the disk. Windows does it by itself and cannot be asked. */
export function syncDirectory(path: string, files: FileCalls): void {
  if (process.platform === "win32") return;
  const directory = files.openSync(path, O_RDONLY);
  try {
    files.fsyncSync(directory);
  } finally {
    files.closeSync(directory);
  }
}

/** Removes a file where nothing depends on it. Returns whether it is gone. */
export function unlinkQuietly(path: string, files: FileCalls): boolean {
  try {
    files.unlinkSync(path);
    return true;
  } catch (error) {
    return systemCode(error) === "ENOENT";
  }
}

/** Runs `work`, and puts into words what the system says against it. */
export function inWords<T>(action: string, path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw storageError(action, path, error);
  }
}

/** Synchronous work in asynchronous clothes: for files this small, a thread pool would cost more than it gives. */
export function promised<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}

/**
 * Reads an open file.
 *
 * @param size how long it should be, in bytes
 * @throws {TokenError} `storage` when it is longer than `limit`
 */
export function readToTheEnd(
  path: string,
  file: number,
  size: number,
  limit: number,
  files: FileCalls,
): Uint8Array {
  // One byte more than it should have, to see its end without another round.
  let buffer = new Uint8Array(size + 1);
  let length = 0;
  for (;;) {
    const count = files.readSync(file, buffer, length, buffer.length - length, null);
    if (count === 0) return buffer.subarray(0, length);
    length += count;
    if (length > limit) throw tooLarge(path, limit);
    if (length === buffer.length) {
      const larger = new Uint8Array(buffer.length * 2);
      larger.set(buffer);
      buffer = larger;
    }
  }
}
