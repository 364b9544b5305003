/**
 * The generations in one place of a file store: which are there, how the next one comes, how old ones go.
 *
 * @module
 */

import { join } from "node:path";
import { TokenError } from "../errors.ts";
import { type FileCalls, inWords, syncDirectory, unlinkQuietly } from "./_file_calls.ts";
import { shown, systemCode } from "./_file_errors.ts";
import {
  FRAME_LENGTH,
  type Generation,
  generationFileName,
  generationOf,
  unframe,
  waitingFor,
} from "./generation_files.ts";
import { readPrivateFile } from "./private_files.ts";

/** The largest value that a file store keeps, in bytes: 4 MiB. */
export const FILE_STORE_LIMIT: number = 4 * 1024 * 1024;

/** How often a step is done again because others write at the same time. Each round, one of them was done. */
export const ROUNDS = 100;

/** What `link` says where it is not known: FAT, some network and user-space file systems. */
const NO_HARD_LINKS = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"];

/**
 * The number of the newest file, and what is in the newest that is whole: nothing in a place where nothing was
 * written, `"broken"` where none is whole.
 */
export function newest(
  place: string,
  files: FileCalls,
): { number: number; content: Generation | "broken" | undefined } {
  for (let round = 0; round < ROUNDS; round++) {
    const numbers = generations(place, files);
    if (numbers.length === 0) return { number: 0, content: undefined };
    const content = newestWhole(place, numbers, files);
    if (content !== "gone") return { number: numbers[0], content };
  }
  throw busy(place);
}

/** `"gone"` when a file went away between the listing and the reading: then there are newer ones. */
function newestWhole(place: string, numbers: number[], files: FileCalls): Generation | "broken" | "gone" {
  for (const number of numbers) {
    const bytes = readPrivateFile(join(place, generationFileName(number)), {
      limit: FRAME_LENGTH + FILE_STORE_LIMIT,
      // For a moment, and for good where its writer died in it, a file still has its waiting name.
      links: 2,
      files,
    });
    if (!bytes) return "gone";
    const content = unframe(bytes);
    if (content) return content;
  }
  return "broken";
}

/**
 * Gives a waiting file the name of generation `number + 1`, if `number` is still the newest.
 *
 * @returns `"gone"` when somebody has cleared the waiting file away, which is gone in any case
 */
export function linkNext(
  place: string,
  number: number,
  waiting: string,
  files: FileCalls,
): boolean | "gone" {
  const target = join(place, generationFileName(number + 1));
  try {
    if ((generations(place, files)[0] ?? 0) !== number) return false;
    files.linkSync(waiting, target);
  } catch (error) {
    const code = systemCode(error);
    // Cleared away by whoever was faster, or by somebody's cleaning of old files: look again.
    if (code === "ENOENT") return "gone";
    // A network file system can lose the answer to a `link` that it carried out, and then find it done.
    if (code === "EEXIST" && !hasTwoNames(waiting, files)) return false;
    if (NO_HARD_LINKS.includes(code)) throw noHardLinks(target);
    if (code !== "EEXIST") throw error;
  } finally {
    unlinkQuietly(waiting, files);
  }
  syncDirectory(place, files);
  return true;
}

/** Removes what waits for a number up to `taken`, and only when all of that is gone, the generations up to `last`. */
export function prune(place: string, taken: number, last: number, files: FileCalls): void {
  try {
    for (const name of files.readdirSync(place)) {
      if ((waitingFor(name) ?? Infinity) <= taken && !unlinkQuietly(join(place, name), files)) return;
    }
    for (const number of generations(place, files)) {
      if (number <= last) unlinkQuietly(join(place, generationFileName(number)), files);
    }
  } catch {
    // The write is done; the next one tidies up.
  }
}

/** The numbers of the generations in a place, newest first. */
function generations(place: string, files: FileCalls): number[] {
  return inWords("read", place, () => files.readdirSync(place))
    .map(generationOf).filter((number) => number !== undefined).sort((one, other) => other - one);
}

function hasTwoNames(path: string, files: FileCalls): boolean {
  return files.lstatSync(path, { throwIfNoEntry: false })?.nlink === 2;
}

function noHardLinks(target: string): TokenError {
  return new TokenError("storage", `Cannot write ${shown(target)}: its file system has no hard links`, {
    nextStep: "Name a directory on a local disk",
  });
}

/** Others write without end. */
export function busy(place: string): TokenError {
  return new TokenError("storage", `Cannot get to ${shown(place)}: others write to it all the time`, {
    nextStep: "Try again",
    retryable: true,
  });
}

/** No file is whole. */
export function broken(place: string): TokenError {
  return new TokenError("storage", `Cannot read ${shown(place)}: no file in it is whole`, {
    nextStep: "Put it back from a backup, or sign in again with `apex-token login`",
  });
}
