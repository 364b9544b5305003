/**
 * Looks for a secret in what a store keeps.
 *
 * @module
 */

import { Buffer } from "node:buffer";

/** Whether `secret` is somewhere in `bytes`: as it is, in Base64 or in hexadecimal. */
export function holdsPlaintext(bytes: Uint8Array, secret: string): boolean {
  const raw = Buffer.from(bytes);
  if (raw.includes(secret) || raw.includes(Buffer.from(secret, "utf16le"))) return true;
  const text = raw.toString("latin1");
  if (text.toLowerCase().includes(Buffer.from(secret).toString("hex"))) return true;
  // A run of Base64 may begin in the middle of another word, so each of its four beginnings counts.
  return (text.match(/[A-Za-z0-9+/_-]{16,}/g) ?? []).some((run) =>
    [0, 1, 2, 3].some((at) => Buffer.from(run.slice(at), "base64").includes(secret))
  );
}
