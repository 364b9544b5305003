/**
 * The key of a store that a program gives.
 *
 * @module
 */

import { TokenError } from "../errors.ts";

/**
 * The key, if it can be one. A text of 32 characters has a length of 32 too, and becomes no bytes at all.
 *
 * @throws {TokenError} `key` when it is not 32 bytes
 */
export function checkStoreKey(key: Uint8Array): Uint8Array {
  // also one of another realm
  const isBytes = Object.prototype.toString.call(key) === "[object Uint8Array]";
  if (isBytes && key.length === 32) return key;
  const found = isBytes ? `${key.length} bytes` : typeof key === "string" ? "a text" : "something else";
  throw new TokenError(
    "key",
    `Cannot use the key of the store: it must be a Uint8Array of 32 bytes, and is ${found}`,
    {
      nextStep:
        "Make one: crypto.getRandomValues(new Uint8Array(32)); and decode what a variable or a secret holds as text",
    },
  );
}
