/**
 * Bytes as text: hexadecimal and base64 with padding (RFC 4648 sections 8 and 4), on runtimes without
 * `Uint8Array.toBase64`.
 *
 * @module
 */

/** `String.fromCharCode` takes its characters as arguments, and those have a limit. */
const CHUNK = 8192;

/** Bytes as lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Bytes as base64. */
export function toBase64(bytes: Uint8Array): string {
  const chunks: string[] = [];
  for (let at = 0; at < bytes.length; at += CHUNK) {
    chunks.push(String.fromCharCode(...bytes.subarray(at, at + CHUNK)));
  }
  return btoa(chunks.join(""));
}

/**
 * Bytes from base64.
 *
 * @throws {DOMException} when it is none
 */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}
