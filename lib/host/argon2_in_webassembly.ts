/**
 * Argon2 (RFC 9106) for runtimes that have none, in WebAssembly. Imported when it is needed: it is the largest thing on
 * the way to a key.
 *
 * @module
 */

import { argon2i, argon2id } from "hash-wasm";

/** What Argon2 is told. */
export interface Argon2Options {
  readonly variant: "argon2i" | "argon2id";
  /** In KiB. */
  readonly memory: number;
  readonly passes: number;
  readonly lanes: number;
  /** Of what comes out, in bytes. */
  readonly length: number;
}

/** The bytes that Argon2 makes of a secret. @param salt at least 8 bytes */
export async function argon2InWebAssembly(
  secret: Uint8Array,
  salt: Uint8Array,
  { variant, memory, passes, lanes, length }: Argon2Options,
): Promise<Uint8Array> {
  // the quick implementation refuses an empty one
  if (secret.length === 0) {
    const hashes = await import("@noble/hashes/argon2.js");
    const options = { t: passes, m: memory, p: lanes, dkLen: length, maxmem: 2 ** 32 - 1 };
    return hashes[variant](secret, salt, options);
  }
  const quick = variant === "argon2i" ? argon2i : argon2id;
  return await quick({
    password: secret,
    salt,
    iterations: passes,
    memorySize: memory,
    parallelism: lanes,
    hashLength: length,
    outputType: "binary",
  });
}
