/**
 * The keys of account files: Argon2 as libsodium's `crypto_pwhash` does it, and secretboxes (XSalsa20-Poly1305).
 *
 * @module
 */

import { xsalsa20poly1305 } from "@noble/ciphers/salsa.js";

/** What the files say in their fourth line; oidc-agent reads no other values. */
export const PARAMETERS = "24:16:16:32:1:2:67108864:2";
/** The length of a salt, in bytes. */
export const SALT_LENGTH = 16;
/** The length of a nonce, in bytes. */
export const NONCE_LENGTH = 24;

/** What a password was made into. Kept in place of the password; it opens and writes one account's file. */
export interface AccountKey {
  readonly salt: Uint8Array;
  /** Opens the secretbox: 32 bytes. */
  readonly cipher: Uint8Array;
  /** What the file's sixth line repeats, so that a wrong password is told from a broken file: 32 bytes. */
  readonly check: Uint8Array;
}

/** Derives the key of a file of today. About 0.2 s and 64 MiB, as it should be. */
export async function accountKey(
  password: string,
  salt: Uint8Array = crypto.getRandomValues(new Uint8Array(SALT_LENGTH)),
): Promise<AccountKey> {
  const bytes = await argon2(password, salt, { variant: "argon2id", passes: 2, mebibytes: 64, length: 64 });
  return { salt, cipher: bytes.subarray(0, 32), check: bytes.subarray(32) };
}

/** The keys that a file from before 2.1.0 may have, the older way first. */
export async function* legacyKeys(password: string, salt: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await argon2(password, salt, { variant: "argon2i", passes: 4, mebibytes: 32, length: 32 });
  yield await argon2(password, salt, { variant: "argon2id", passes: 2, mebibytes: 64, length: 32 });
}

/** Closes a secretbox: the tag first, as libsodium has it. */
export function seal(text: string, key: Uint8Array, nonce: Uint8Array): Uint8Array {
  return xsalsa20poly1305(key, nonce).encrypt(new TextEncoder().encode(text));
}

/** Opens a secretbox. Returns nothing when the key is wrong or a byte was changed. */
export function unseal(box: Uint8Array, key: Uint8Array, nonce: Uint8Array): string | undefined {
  try {
    return new TextDecoder().decode(xsalsa20poly1305(key, nonce).decrypt(box));
  } catch {
    return undefined;
  }
}

interface Argon2 {
  readonly variant: "argon2i" | "argon2id";
  readonly passes: number;
  readonly mebibytes: number;
  /** Of what comes out, in bytes. */
  readonly length: number;
}

async function argon2(password: string, salt: Uint8Array, how: Argon2): Promise<Uint8Array> {
  const { argon2InWebAssembly } = await import("../host/argon2_in_webassembly.ts");
  const { mebibytes, ...others } = how;
  const options = { ...others, memory: mebibytes * 1024, lanes: 1 };
  return await argon2InWebAssembly(new TextEncoder().encode(password), salt, options);
}
