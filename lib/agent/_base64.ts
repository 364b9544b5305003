/**
 * Standard base64 with padding (RFC 4648 section 4), as libsodium writes it.
 *
 * @module
 */

/** The text of bytes. */
export function base64(bytes: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < bytes.length; at += 0x2000) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 0x2000));
  }
  return btoa(binary);
}

/** The bytes of a text, itself in bytes; nothing when it is no base64 with its padding. */
export function fromBase64(text: Uint8Array): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined;
  const characters = new TextDecoder().decode(text);
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(characters)) return undefined;
  return Uint8Array.from(atob(characters), (character) => character.charCodeAt(0));
}
