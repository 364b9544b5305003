/**
 * A master key under the key of a slot, as text.
 *
 * @module
 */

import { fromBase64, toBase64 } from "../bytes.ts";
import { TokenError } from "../errors.ts";
import { open, seal } from "../store/envelope.ts";

const STORE_ID = "apex-token/keys";

/** The master key, encrypted under the key of a slot of the record `id`. */
export async function wrapKey(key: Uint8Array, id: string, master: Uint8Array): Promise<string> {
  return toBase64(await seal(key, { storeId: STORE_ID, recordId: id, generation: 0 }, master));
}

/**
 * The master key again.
 *
 * @throws {TokenError} `key` when the key is another one or the text is damaged, `storage` when it is something else
 */
export async function unwrapKey(key: Uint8Array, id: string, wrapped: string): Promise<Uint8Array> {
  const { plaintext } = await open(key, { storeId: STORE_ID, recordId: id }, decoded(wrapped));
  if (plaintext.length === 32) return plaintext.slice();
  throw new TokenError("storage", "Cannot open the key: there is something else in its place");
}

/**
 * The bytes of a text in a key record.
 *
 * @throws {TokenError} `key` for text that is none
 */
export function decoded(text: string): Uint8Array {
  try {
    return fromBase64(text);
  } catch {
    throw new TokenError("key", "Cannot read the key record: it is damaged", {
      nextStep: "Put it back from a backup, or sign in again with `apex-token login`",
    });
  }
}
