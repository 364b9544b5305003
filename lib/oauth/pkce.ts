/**
 * Proof key for code exchange (RFC 7636).
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import { randomText, sha256 } from "./_encodings.ts";
import type { Issuer } from "./issuer.ts";

/** A code verifier and what the request carries of it. */
export interface ProofKey {
  readonly verifier: string;
  readonly parameters: { readonly code_challenge: string; readonly code_challenge_method: "S256" };
}

/** Whether the server knows S256, or does not say what it knows. */
export function knowsS256(issuer: Issuer): boolean {
  const methods = issuer.metadata.code_challenge_methods_supported;
  return !Array.isArray(methods) || methods.length === 0 || methods.includes("S256");
}

/**
 * A new proof key. `S256` is the only method there is (RFC 9700 section 2.1.1).
 *
 * @throws {TokenError} `unsupported` when the server says that it knows `plain` only
 */
export async function proofKey(issuer: Issuer): Promise<ProofKey> {
  if (!knowsS256(issuer)) {
    throw new TokenError("unsupported", "Cannot sign in safely: the server knows no PKCE with S256", {
      nextStep: "Use the device code flow, or ask the server's operator to enable it (RFC 7636)",
    });
  }
  const verifier = randomText();
  const code_challenge = await sha256(verifier);
  return { verifier, parameters: { code_challenge, code_challenge_method: "S256" } };
}
