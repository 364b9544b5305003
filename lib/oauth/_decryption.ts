/**
 * What a server encrypted to the client (RFC 7516).
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import type { Client } from "./client.ts";

/**
 * The signed JWT within an encrypted one, where the client can decrypt; any other text as it is.
 *
 * @throws {TokenError} `invalid_response` when it cannot be decrypted
 */
export async function decrypted({ decrypt }: Client, text: string): Promise<string> {
  if (!decrypt || !isEncrypted(text)) return text;
  try {
    return await decrypt(text);
  } catch {
    // the words of a foreign library may hold what it was given
    throw new TokenError("invalid_response", "Cannot use the server's answer: it cannot be decrypted", {
      nextStep: "See that the server encrypts to a key of this client",
    });
  }
}

/** Whether a text has the five parts of an encrypted JWT (RFC 7516 section 3.1). */
export function isEncrypted(text: string): boolean {
  return text.split(".").length === 5;
}
