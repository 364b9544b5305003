/**
 * A secret in a file of the user's.
 *
 * @module
 */

import { closeSync, openSync, readSync, statSync } from "node:fs";
import { TokenError } from "../errors.ts";

/** The longest secret, in bytes. */
const LIMIT = 64 * 1024;

/**
 * The secret in a file: its text without the line break at the end. The file belongs to the user, who may keep it as a
 * mounted Kubernetes secret is kept; its mode is not judged.
 *
 * @param what what the secret is, for messages
 * @throws {TokenError} `storage` when it cannot be read, `invalid_argument` when it is empty or no text
 */
export function readSecretFile(path: string, what: string): string {
  let bytes: Uint8Array;
  try {
    bytes = readLimited(path);
  } catch (error) {
    const reason = error instanceof RangeError
      ? "it is too long"
      : reasonOf((error as { code?: string }).code);
    throw new TokenError("storage", `Cannot read the ${what} from ${path}: ${reason}`, {
      nextStep: "Check the path and the permissions",
    });
  }
  return secretOf(bytes, what);
}

/** Whether a path gives its secret only once: a pipe or a descriptor, such as `<(…)` in a shell. */
export function isReadOnce(path: string): boolean {
  return /^\/(?:dev|proc)\//.test(path) || !statSync(path).isFile();
}

// Not at once: a device has no end, and a pipe does not tell its length.
function readLimited(path: string): Uint8Array {
  const bytes = new Uint8Array(LIMIT + 1);
  const file = openSync(path, "r");
  try {
    let length = 0;
    for (;;) {
      const count = readSync(file, bytes, length, bytes.length - length, null);
      if (count === 0) return bytes.subarray(0, length);
      length += count;
      if (length > LIMIT) throw new RangeError();
    }
  } finally {
    closeSync(file);
  }
}

/**
 * The secret in what was read from a file or standard input.
 *
 * @throws {TokenError} `invalid_argument` when it is empty or no text
 */
export function secretOf(bytes: Uint8Array, what: string): string {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes).replace(/\r?\n$/, "");
  } catch {
    throw new TokenError("invalid_argument", `Cannot use the ${what}: it is not UTF-8 text`, {
      nextStep: "Give a file or standard input that holds nothing else",
    });
  }
  if (text === "") {
    throw new TokenError("invalid_argument", `Cannot use the ${what}: it is empty`, {
      nextStep: "Give a file or standard input that holds it",
    });
  }
  return text;
}

function reasonOf(code?: string): string {
  return code === "ENOENT"
    ? "there is no such file"
    : code === "EACCES"
    ? "permission denied"
    : code === "EISDIR"
    ? "it is a directory"
    : "the system said no";
}
