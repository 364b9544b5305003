/**
 * A file that waits for its value: made, given room and looked after before the value is there, so that nothing but the
 * value has to be written when it comes.
 *
 * @module
 */

import { join } from "node:path";
import { type FileCalls, inWords, unlinkQuietly, writeNewFile, writeOver } from "./_file_calls.ts";
import { systemCode } from "./_file_errors.ts";
import { FILE_STORE_LIMIT, linkNext, newest, prune } from "./_generations.ts";
import {
  frame,
  FRAME_LENGTH,
  type Generation,
  generationFileName,
  waitingFileName,
} from "./generation_files.ts";

/** The file. */
export interface Ready {
  readonly place: string;
  /** The version over which it is to be written, and the number of the newest file then. */
  readonly expected: string | undefined;
  readonly number: number;
  readonly path: string;
  /** Removes it. */
  takeBack(): void;
}

/** The least room that a value gets, in bytes: a session or an answer with two tokens fits. */
const ROOM = 8 * 1024;
/** In which steps the room grows with the value before, in bytes. */
const STEP = 4 * 1024;

/**
 * Makes the file, and removes old generations, which a write does otherwise.
 *
 * @returns nothing where `expected` is not the newest, or where nothing was ever written
 * @throws {TokenError} `storage`
 */
export function makeReady(place: string, expected: string | undefined, files: FileCalls): Ready | undefined {
  const { number, content } = newest(place, files);
  if (number === 0 || content === "broken") return undefined;
  if ((content?.value ? String(number) : undefined) !== expected) return undefined;
  prune(place, number, number - 1, files);
  const path = join(place, waitingFileName(number + 1, crypto.randomUUID()));
  inWords("write", path, () => writeNewFile(path, new Uint8Array(roomFor(content)), files));
  return { place, expected, number, path, takeBack: () => void unlinkQuietly(path, files) };
}

function roomFor(before: Generation | undefined): number {
  const length = Math.ceil((before?.value?.length ?? 0) / STEP) * STEP + STEP;
  return Math.min(Math.max(ROOM, length), FRAME_LENGTH + FILE_STORE_LIMIT);
}

/**
 * Writes the value into the file, and makes it the next generation.
 *
 * The order of things is that of a file that is made with its value: it waits, then one looks whether the number is still
 * the newest, then it gets its name.
 *
 * @returns whether it became that, or `"gone"` when somebody has cleared the file away
 * @throws {TokenError} `storage`
 */
export function appendReady(
  { place, number, path, takeBack }: Ready,
  content: Generation,
  files: FileCalls,
): boolean | "gone" {
  return inWords("write", join(place, generationFileName(number + 1)), () => {
    try {
      writeOver(path, frame(content), files);
    } catch (error) {
      if (systemCode(error) === "ENOENT") return "gone";
      takeBack();
      throw error;
    }
    return linkNext(place, number, path, files);
  });
}
