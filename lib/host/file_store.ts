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
  writeNewFile,
} from "./_file_calls.ts";
import {
  directoryName,
  frame,
  type Generation,
  generationFileName,
  waitingFileName,
} from "./generation_files.ts";
import { broken, busy, FILE_STORE_LIMIT, linkNext, newest, prune, ROUNDS } from "./_generations.ts";
import { appendReady, makeReady, type Ready } from "./_ready_file.ts";
import { ensurePrivateDirectory, isPrivateDirectory, syncPath } from "./private_files.ts";

export type { FileCallOptions, FileCalls } from "./_file_calls.ts";
export { FILE_STORE_LIMIT };

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
  const ready = new Map<string, Ready>();

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
        const made = ready.get(key);
        ready.delete(key);
        if (made?.expected === expected && made) {
          const done = appendReady(made, { value }, files);
          if (done !== "gone") return done ? String(made.number + 1) : undefined;
        } else made?.takeBack();
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
    prepare: (key, expected) =>
      promised(() => {
        const place = placeOf(key);
        ready.get(key)?.takeBack();
        ready.delete(key);
        if (!isThere(place)) return () => {};
        const made = makeReady(place, expected, files);
        if (made) ready.set(key, made);
        return () => {
          if (!made || ready.get(key) !== made) return;
          ready.delete(key);
          made.takeBack();
        };
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
      const done = linkNext(place, number, waiting, files);
      if (done !== "gone") return done;
    }
    throw busy(place);
  });
}
