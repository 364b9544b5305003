/**
 * A master key in a private file, for machines without a keyring.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import { type FileCallOptions, promised } from "./_file_calls.ts";
import { shown } from "./_file_errors.ts";
import { keyFromText, keyToText } from "./key_text.ts";
import { createPrivateFile, readPrivateFile } from "./private_files.ts";

export type { FileCallOptions, FileCalls } from "./_file_calls.ts";

/** A key is one short line; more is something else. */
const LIMIT = 256;

/**
 * Makes a master key of 32 random bytes and keeps it in the file `path` (0600, in a 0700 directory). If the file is
 * there, reads it; of several who make it at once, all get the same key.
 *
 * @throws {TokenError} `storage` when the file cannot be written; `key` when what is there is not a usable key
 */
export function createKeyFile(path: string, options: FileCallOptions = {}): Promise<Uint8Array> {
  return promised(() => {
    const found = read(path, options);
    if (found) return found;
    const key = crypto.getRandomValues(new Uint8Array(32));
    const mine = createPrivateFile(path, new TextEncoder().encode(keyToText(key)), options);
    return mine ? key : readKeyFile(path, options);
  });
}

/**
 * Reads the master key from the file `path`.
 *
 * @throws {TokenError} `key` when there is no such file, when others have access to it, or when it holds no key
 */
export function readKeyFile(path: string, options: FileCallOptions = {}): Uint8Array {
  const key = read(path, options);
  if (key) return key;
  throw new TokenError("key", `Cannot read the key file ${shown(path)}: there is none`, {
    nextStep: "Put it back from a backup, or sign in again with `apex-token login` to make a new one",
  });
}

function read(path: string, options: FileCallOptions): Uint8Array | undefined {
  try {
    // Two names: whoever made it may have died before it removed the temporary one.
    const bytes = readPrivateFile(path, { limit: LIMIT, links: 2, files: options.files });
    return bytes && keyFromText(new TextDecoder().decode(bytes), `the key file ${shown(path)}`);
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    const message = error.message.replace(
      "Cannot read the key:",
      `Cannot read the key file ${shown(path)}:`,
    );
    throw new TokenError("key", message, { nextStep: error.nextStep });
  }
}
