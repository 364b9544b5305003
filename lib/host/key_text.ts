/**
 * How a master key is written down: one line that says what it is. Pure, so that a reader with other calls of the
 * system can share it.
 *
 * @module
 */

import { TokenError } from "../errors.ts";

const PREFIX = "apex-key-1:";

/** Writes a key of 32 bytes as `apex-key-1:`, 43 characters of base64url (RFC 4648 section 5), and a line feed. */
export function keyToText(key: Uint8Array): string {
  const base64 = btoa(String.fromCharCode(...key));
  return PREFIX + base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "") + "\n";
}

/**
 * Reads such a line. The line feed may be missing, as after copying it by hand.
 *
 * @param source what to call it in an error
 * @throws {TokenError} `key` when it is not a key, or one of a newer release
 */
export function keyFromText(text: string, source = "the key"): Uint8Array {
  const newer = /^apex-key-(\d+):/.exec(text);
  if (newer && Number(newer[1]) > 1) {
    throw new TokenError("key", `Cannot read ${source}: it was written by a newer release`, {
      nextStep: "Install the newest release of apex-token",
    });
  }
  const match = /^apex-key-1:([A-Za-z0-9_-]{43})\r?\n?$/.exec(text);
  const key = match && Uint8Array.from(
    atob(match[1].replaceAll("-", "+").replaceAll("_", "/") + "="),
    (character) => character.charCodeAt(0),
  );
  // The last character has two bits to spare: one spelling per key, or a damaged one would pass.
  if (!key || keyToText(key).trimEnd() !== text.trimEnd()) {
    throw new TokenError("key", `Cannot read ${source}: it is not "apex-key-1:" and 43 characters`, {
      nextStep: "Put it back from a backup, or sign in again with `apex-token login`",
    });
  }
  return key;
}
