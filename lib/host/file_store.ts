/**
 * A store in a directory. Each key has a subdirectory; each write is a new file `g-<n>` in it that never changes.
 *
 * Two names for one file (`link`) are made all at once or not at all, and never over another file: that is the whole
 * of compare-and-set. Nothing here locks, so nothing is left locked when a process dies. It needs a local file system
 * (or one that orders `link`, `unlink` and `readdir` like one).
 *
 * @module
 */

import { join, resolve } from "node:path";
import { TokenError } from "../errors.ts";
import type { Store } from "../store/store.ts";
import {
  type FileCallOptions,
  type FileCalls,
  inWords,
  promised,
  syncDirectory,
  systemFiles,
  unlinkQuietly,
  writeNewFile,
} from "./_file_calls.ts";
import { shown, systemCode } from "./_file_errors.ts";
import {
  directoryName,
  frame,
  FRAME_LENGTH,
  type Generation,
  generationFileName,
  generationOf,
  unframe,
  waitingFileName,
  waitingFor,
} from "./generation_files.ts";
import { ensurePrivateDirectory, isPrivateDirectory, readPrivateFile, syncPath } from "./private_files.ts";

export type { FileCallOptions, FileCalls } from "./_file_calls.ts";

/** The largest value that a file store keeps, in bytes: 4 MiB. */
export const FILE_STORE_LIMIT: number = 4 * 1024 * 1024;

/** How often a step is done again because others write at the same time. Each round, one of them was done. */
const ROUNDS = 100;

/** What `link` says where it is not known: FAT, some network and user-space file systems. */
const NO_HARD_LINKS = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"];

/**
 * Keeps bytes in private files under `directory`, which is made (0700) with the first write.
 *
 * A version is the number of the file. The one before the newest is kept, should a power cut tear the newest; of a
 * removed key, the number is kept, so that no version comes twice.
 *
 * An error of a write means that the old value is still there, with one exception: where the disk fails after the new
 * file got its name, a later read tells.
 *
 * @param directory where to keep them; nobody but this user may have access to it
 * @returns a store whose methods throw `storage` when a directory or file belongs to somebody else, is open to others
 * (the error names the command that closes it), is a link, or is larger than 4 MiB, and when the disk fails
 */
export function fileStore(directory: string, options: FileCallOptions = {}): Store {
  const root = resolve(directory);
  const files = options.files ?? systemFiles;
  const placeOf = (key: string) => join(root, directoryName(key));
  const isThere = (place: string) =>
    isPrivateDirectory(root, { files }) && isPrivateDirectory(place, { files });

  return {
    capabilities: { compareAndSet: true, lease: false, durable: true, strongRead: true },
    read: (key) =>
      promised(() => {
        const place = placeOf(key);
        if (!isThere(place)) return undefined;
        const { number, content } = newest(place, files);
        if (content === "broken") throw broken(place);
        return content?.value && { version: String(number), value: content.value };
      }),
    compareAndSet: (key, expected, value) =>
      promised(() => {
        if (value.length > FILE_STORE_LIMIT) {
          throw new TokenError(
            "storage",
            `Cannot keep ${value.length} bytes: the limit is ${FILE_STORE_LIMIT}`,
            {
              nextStep: "Keep less under one name",
            },
          );
        }
        const place = placeOf(key);
        ensurePrivateDirectory(root, { files });
        ensurePrivateDirectory(place, { files });
        const { number, content } = newest(place, files);
        if (content === "broken") throw broken(place);
        if ((content?.value ? String(number) : undefined) !== expected) return undefined;
        if (number === 0) syncPath(place, { files });
        if (!append(place, number, { value }, files)) return undefined;
        prune(place, number + 1, number - 1, files);
        return String(number + 1);
      }),
    remove: (key, expected) =>
      promised(() => {
        const place = placeOf(key);
        if (!isThere(place)) return false;
        for (let round = 0; round < ROUNDS; round++) {
          const { number, content } = newest(place, files);
          if (content !== "broken" && !content?.value) return false;
          if (expected !== undefined && expected !== String(number)) return false;
          if (!append(place, number, {}, files)) continue;
          prune(place, number + 1, number, files);
          inWords("remove", place, () => syncDirectory(place, files));
          return true;
        }
        throw busy(place);
      }),
  };
}

/**
 * The number of the newest file, and what is in the newest that is whole: nothing in a place where nothing was
 * written, `"broken"` where none is whole.
 */
function newest(
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
 * Makes generation `number + 1`, if `number` is still the newest.
 *
 * A number must never be given twice, or a process that slept for an hour between its look and its `link` would take
 * the place of a file that was pruned long ago and believe that it had won. So the order of things matters. Here: (1)
 * make the waiting file, (2) look whether `number` is still the newest, (3) link. In {@linkcode prune}: (a) remove the
 * files that wait for a number that is taken, (b) remove old generations. The newest file at (1) was either there all
 * through (2) and seen, or went in a (b) whose (a) came after (1): then `link` finds no waiting file. A number that is
 * given after (2) is either still there at (3), or went in a (b) of that kind too.
 */
function append(place: string, number: number, content: Generation, files: FileCalls): boolean {
  const next = number + 1;
  const target = join(place, generationFileName(next));
  return inWords("write", target, () => {
    for (let round = 0; round < ROUNDS; round++) {
      const waiting = join(place, waitingFileName(next, crypto.randomUUID()));
      writeNewFile(waiting, frame(content), files);
      try {
        if ((generations(place, files)[0] ?? 0) !== number) return false;
        files.linkSync(waiting, target);
      } catch (error) {
        const code = systemCode(error);
        // Cleared away by whoever was faster, or by somebody's cleaning of old files: look again.
        if (code === "ENOENT") continue;
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
    throw busy(place);
  });
}

/** Removes what waits for a number up to `taken`, and only when all of that is gone, the generations up to `last`. */
function prune(place: string, taken: number, last: number, files: FileCalls): void {
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

function busy(place: string): TokenError {
  return new TokenError("storage", `Cannot get to ${shown(place)}: others write to it all the time`, {
    nextStep: "Try again",
    retryable: true,
  });
}

function broken(place: string): TokenError {
  return new TokenError("storage", `Cannot read ${shown(place)}: no file in it is whole`, {
    nextStep: "Put it back from a backup, or sign in again with `apex-token login`",
  });
}
