/**
 * Base64 as libsodium reads it: with its padding and nothing else (RFC 4648 section 4).
 *
 * @module
 */

import { fromBase64 as anyBase64 } from "../bytes.ts";

/** The bytes of a text, itself in bytes; nothing when it is no base64 with its padding. */
export function fromBase64(text: Uint8Array): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined;
  const characters = new TextDecoder().decode(text);
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(characters)) return undefined;
  return anyBase64(characters);
}
