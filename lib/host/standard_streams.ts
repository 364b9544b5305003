/**
 * Standard input, output and error, without what `process.stdout` costs.
 *
 * @module
 */

import { writeSync } from "node:fs";
import process from "node:process";
import { TokenError } from "../errors.ts";
import type { Environment } from "./directories.ts";

/** The most that {@linkcode readInput} takes, in bytes. */
const INPUT_LIMIT = 64 * 1024;

/**
 * Writes the whole answer to standard output. A reader that went away ends it quietly.
 *
 * @throws {TokenError} `storage` when it cannot be written, for example because a disk is full
 */
export function answer(text: string): void {
  try {
    writeAll(1, text);
  } catch (error) {
    const code = errorCode(error);
    if (code === "EPIPE") return;
    throw new TokenError("storage", `Cannot write to standard output (${code})`);
  }
}

/** Writes `text`, without an end of line, to standard error; failures are ignored, for there is nobody left to tell. */
export function prompt(text: string): void {
  try {
    writeAll(2, text);
  } catch {
    // Standard error is closed or full: the exit code still says what happened.
  }
}

/** Writes a line to standard error. */
export function say(text: string): void {
  prompt(text + "\n");
}

/** Replaces the line that the cursor is on, on standard error, which must be a terminal. */
export function status(text: string): void {
  prompt(`\r\x1b[K${text}`);
}

/**
 * Reads all of standard input.
 *
 * @throws {TokenError} `invalid_argument` when it is longer than 64 KiB, `storage` when it cannot be read
 */
export async function readInput(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of process.stdin) {
      const bytes = typeof chunk === "string" ? new TextEncoder().encode(chunk) : new Uint8Array(chunk);
      length += bytes.length;
      if (length > INPUT_LIMIT) break;
      chunks.push(bytes);
    }
  } catch (error) {
    throw new TokenError("storage", `Cannot read standard input (${errorCode(error)})`);
  }
  if (length > INPUT_LIMIT) {
    throw new TokenError("invalid_argument", "Cannot read standard input: it is longer than 64 KiB");
  }
  const all = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    all.set(chunk, offset);
    offset += chunk.length;
  }
  return all;
}

/**
 * Whether text for people is coloured: a non-empty `NO_COLOR` says no (https://no-color.org), `CLICOLOR_FORCE` and
 * `FORCE_COLOR` say yes, and else a terminal that is not `dumb`.
 */
export function wantsColor(environment: Environment, isTerminal: boolean): boolean {
  if (environment("NO_COLOR") !== undefined) return false;
  const forceColor = environment("FORCE_COLOR");
  if (forceColor === "0" || forceColor === "false") return false;
  if (forceColor !== undefined || (environment("CLICOLOR_FORCE") ?? "0") !== "0") return true;
  return isTerminal && environment("TERM") !== "dumb";
}

function writeAll(descriptor: number, text: string): void {
  const bytes = new TextEncoder().encode(text);
  let offset = 0;
  while (offset < bytes.length) {
    try {
      offset += writeSync(descriptor, bytes, offset, bytes.length - offset);
    } catch (error) {
      // Somebody made the descriptor non-blocking and its reader is slower than we are.
      if (errorCode(error) !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

function errorCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "unknown error";
}
