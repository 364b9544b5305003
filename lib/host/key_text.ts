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
  const key = text.startsWith(PREFIX) ? decode(text.slice(PREFIX.length, endOf(text))) : undefined;
  if (key) return key;
  const version = /^apex-key-(\d+):/.exec(text)?.[1];
  if (Number(version) > 1) {
    throw new TokenError("key", `Cannot read ${source}: it was written by a newer release`, {
      nextStep: "Install the newest release of apex-token",
    });
  }
  throw new TokenError("key", `Cannot read ${source}: it is not "apex-key-1:" and 43 characters`, {
    nextStep: "Put it back from a backup, or sign in again with `apex-token login`",
  });
}

/** Where the text ends before one line feed, which an editor may have made two characters of. */
function endOf(text: string): number {
  return text.endsWith("\r\n") ? text.length - 2 : text.endsWith("\n") ? text.length - 1 : text.length;
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/**
 * 43 characters of base64url as 32 bytes; nothing for anything else. By hand, because this is on the path of a cached
 * `get`, where the ways with regular expressions and callbacks cost ten times as much.
 */
function decode(text: string): Uint8Array | undefined {
  if (text.length !== 43) return undefined;
  const bytes = new Uint8Array(32);
  let bits = 0;
  let held = 0;
  let at = 0;
  for (let index = 0; index < 43; index++) {
    const value = ALPHABET.indexOf(text[index]);
    if (value < 0) return undefined;
    bits = (bits << 6 | value) & 0xffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes[at++] = bits >> held;
  }
  // the last character has two bits to spare: one spelling per key, or a damaged one would pass
  return (bits & (1 << held) - 1) === 0 ? bytes : undefined;
}
