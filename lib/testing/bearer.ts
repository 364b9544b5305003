/**
 * Access tokens as a protected resource sees them (RFC 6750, RFC 9449 section 7).
 *
 * @module
 */

import { refusal } from "./answers.ts";
import type { Call } from "./call.ts";
import { certificate } from "./client_authentication.ts";
import { checkProof, nonceHeader } from "./dpop.ts";
import { ASYMMETRIC_ALGORITHMS } from "./jwt.ts";
import type { IssuedAccessToken } from "./state.ts";

/** What a resource wants of a token. */
export interface Wanted {
  /** Whose DPoP nonces count. */
  readonly where: "server" | "resource";
  /** One of the token's audiences. Default: any. */
  readonly audience?: string;
  /** Scope words that it must have. Default: none. */
  readonly scope?: string;
  /** The resource metadata that a challenge points to (RFC 9728 section 5.1). */
  readonly metadata?: string;
}

/**
 * Checks the token of a request.
 *
 * @throws a refusal with a challenge: `invalid_token`, `insufficient_scope`, `invalid_dpop_proof`, `use_dpop_nonce`
 */
export async function checkAccessToken(call: Call, wanted: Wanted): Promise<IssuedAccessToken> {
  const { state, request, url } = call;
  if (url.searchParams.has("access_token")) {
    throw refusal("invalid_request", "An access token does not belong in a URL");
  }
  const [, scheme, text] =
    /^(bearer|dpop) +([\w.~+/-]+=*)$/i.exec(request.headers.get("authorization") ?? "") ?? [];
  if (text === undefined) throw challenge(call, wanted, 401);
  const isDpop = scheme.toLowerCase() === "dpop";
  const token = state.accessTokens.get(text);
  const deny = (description: string): Response =>
    challenge(call, wanted, 401, "invalid_token", description, isDpop);
  if (token === undefined || token.revoked || token.grant.revoked) {
    throw deny("The access token is not valid");
  }
  if (token.expiresAt <= state.clock.now()) throw deny("The access token has expired");
  if ((token.jkt !== undefined) !== isDpop) throw deny("The access token belongs to the other scheme");
  if (isDpop) {
    const { jkt, fault } = await checkProof(call, wanted.where, text);
    if (fault !== undefined) throw challenge(call, wanted, 401, fault.error, fault.description, true);
    if (jkt !== token.jkt) throw deny("The proof is not that of the token's key");
  }
  if (token.x5t !== undefined && token.x5t !== certificate(call)) {
    throw deny("The token belongs to a certificate");
  }
  if (wanted.audience !== undefined && !token.audience.includes(wanted.audience)) {
    throw deny("The access token is for another audience");
  }
  const missing = (wanted.scope ?? "").split(" ").filter((word) => !token.scope.split(" ").includes(word));
  if (missing.join("") !== "") {
    throw challenge(call, wanted, 403, "insufficient_scope", "The scope is too narrow", isDpop);
  }
  return token;
}

function challenge(
  call: Call,
  wanted: Wanted,
  status: number,
  error?: string,
  description?: string,
  isDpop = false,
): Response {
  const { state } = call;
  const members = [
    ["realm", "test"],
    ["error", error],
    ["error_description", description],
    ["scope", error === "insufficient_scope" ? wanted.scope : undefined],
    ["resource_metadata", wanted.metadata],
  ].filter(([, value]) => value !== undefined).map(([name, value]) => `${name}="${value}"`).join(", ");
  const dpop = `DPoP ${members}, algs="${ASYMMETRIC_ALGORITHMS.join(" ")}"`;
  // Without a token the resource tells every scheme that it takes.
  const schemes = error === undefined && state.flavor.supports.dpop
    ? `Bearer ${members}, ${dpop}`
    : `Bearer ${members}`;
  return refusal(error ?? "unauthorized", description ?? "", {
    status,
    headers: { "www-authenticate": isDpop ? dpop : schemes, ...nonceHeader(state, wanted.where) },
  });
}
