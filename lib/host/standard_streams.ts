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
export function readInput(): Promise<Uint8Array> {
  const { stdin } = process;
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    stdin.on("data", (chunk: Uint8Array | string) => {
      const bytes = typeof chunk === "string" ? new TextEncoder().encode(chunk) : new Uint8Array(chunk);
      chunks.push(bytes);
      length += bytes.length;
      if (length <= INPUT_LIMIT) return;
      // Otherwise Deno would wait for the rest of it before it ends.
      stdin.destroy();
      reject(new TokenError("invalid_argument", "Cannot read standard input: it is longer than 64 KiB"));
    });
    stdin.on("end", () => resolve(joined(chunks, length)));
    stdin.on("error", (error) => {
      reject(new TokenError("storage", `Cannot read standard input (${errorCode(error)})`));
    });
  });
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

function writeAll(descriptor: 1 | 2, text: string): void {
  let left = new TextEncoder().encode(text);
  while (left.length > 0) {
    try {
      left = left.subarray(write(descriptor, left));
    } catch (error) {
      // Somebody made the descriptor non-blocking, and its reader is slower than we are.
      if (errorCode(error) !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

/**
 * Writes as much as fits now. Deno goes on until all is written or it fails, and then does not tell how far it came: it
 * gets lines of which a pipe takes all or nothing (PIPE_BUF), which its own line buffer passes on at once.
 */
function write(descriptor: 1 | 2, bytes: Uint8Array): number {
  if (!("Deno" in globalThis)) return writeSync(descriptor, bytes);
  const piece = bytes.subarray(0, 4096);
  return writeSync(descriptor, piece.subarray(0, piece.lastIndexOf(0x0a) + 1 || piece.length));
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const all = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    all.set(chunk, offset);
    offset += chunk.length;
  }
  return all;
}

function errorCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "unknown error";
}
