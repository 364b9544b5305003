/**
 * Bytes as the standards write them in text.
 *
 * @module
 */

/** Bytes in a buffer of their own, as Web Crypto wants them. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** The UTF-8 bytes of `text`. */
export function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}

/** base64url without padding (RFC 7515 section 2). */
export function base64url(bytes: Bytes | string): string {
  const input = typeof bytes === "string" ? utf8(bytes) : bytes;
  let binary = "";
  for (const byte of input) binary += String.fromCharCode(byte);
  return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** What `text` encodes in base64url; nothing when it is not base64url. */
export function fromBase64url(text: string): Bytes | undefined {
  return /^[\w-]*$/.test(text) ? fromBase64(text.replace(/-/g, "+").replace(/_/g, "/")) : undefined;
}

/** What `text` encodes in base64, with or without padding; nothing when it is not base64. */
export function fromBase64(text: string): Bytes | undefined {
  try {
    const binary = atob(text);
    const bytes = new Uint8Array(binary.length);
    for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index);
    return bytes;
  } catch {
    return undefined;
  }
}

/** A text that nobody guesses, from `length` random bytes. */
export function randomText(length = 24): string {
  return base64url(crypto.getRandomValues(new Uint8Array(length)));
}

/** The base64url of the SHA-256 of `text`: PKCE's S256, DPoP's `ath`, a thumbprint. */
export async function sha256(text: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(text))));
}

/** The left half of the hash that belongs to `algorithm`: `at_hash` and `c_hash` (OpenID Connect Core 3.1.3.6). */
export async function leftHalfHash(text: string, algorithm: string): Promise<string> {
  const hash = algorithm === "EdDSA" || algorithm === "Ed25519" ? "SHA-512" : `SHA-${algorithm.slice(-3)}`;
  const digest = new Uint8Array(await crypto.subtle.digest(hash, utf8(text)));
  return base64url(digest.slice(0, digest.length / 2));
}

/** The RFC 7638 thumbprint of a public key; nothing when it is not a key this server knows. */
export async function thumbprint(jwk: JsonWebKey): Promise<string | undefined> {
  const { crv, e, kty, n, x, y } = jwk;
  if (kty === "EC") return await sha256(JSON.stringify({ crv, kty, x, y }));
  if (kty === "OKP") return await sha256(JSON.stringify({ crv, kty, x }));
  if (kty === "RSA") return await sha256(JSON.stringify({ e, kty, n }));
  return undefined;
}
