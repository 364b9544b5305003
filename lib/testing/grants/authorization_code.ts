/**
 * The authorization code grant with PKCE (RFC 6749 section 4.1.3, RFC 7636).
 *
 * @module
 */

import { refusal } from "../answers.ts";
import { sha256 } from "../bytes.ts";
import { required } from "../call.ts";
import { isPublic, mayUse } from "../client_authentication.ts";
import type { TokenRequest } from "../endpoints/token.ts";
import type { JsonObject } from "../jwt.ts";
import type { IssuedCode } from "../state.ts";
import { laterAudience } from "../targets.ts";
import { tokenAnswer } from "../tokens.ts";

/** Redeems a code, once. A second try ends what the first one got (RFC 6749 section 4.1.2). */
export async function authorizationCode(request: TokenRequest): Promise<JsonObject> {
  const { call, client, parameters, binding } = request;
  const { state } = call;
  const code = state.codes.get(required(parameters, "code"));
  const given = parameters.get("code_verifier");
  const hash = given === null ? null : await sha256(given);
  // No await between here and `used`: of two requests with one code, one is the first.
  if (code === undefined || code.request.clientId !== client.clientId) throw invalid("The code is not valid");
  if (code.used) {
    code.grant.revoked = true;
    throw invalid("The code was already used");
  }
  if (code.expiresAt <= state.clock.now()) throw invalid("The code has expired");
  checkRedirectUri(code, parameters.get("redirect_uri"));
  checkVerifier(code.request.parameters.get("code_challenge"), given, hash);
  const { jkt } = code.request;
  if (jkt !== undefined && jkt !== binding.jkt) throw invalid("The code is bound to another key");
  const audience = laterAudience(state, code.grant.audience, parameters);
  code.used = true;
  if (isPublic(client) && binding.jkt !== undefined) code.grant.jkt = binding.jkt;
  const refreshes = mayUse(client, "refresh_token");
  return await tokenAnswer(call, {
    grant: code.grant,
    binding,
    audience,
    ...(refreshes ? { refreshToken: "first" } : {}),
  });
}

/**
 * Checks a PKCE verifier (RFC 7636 section 4.6).
 *
 * @param hash the S256 of `verifier`
 * @throws a refusal: `invalid_grant`; `invalid_request` for a verifier that is none
 */
export function checkVerifier(challenge: string | null, verifier: string | null, hash: string | null): void {
  if (challenge === null) {
    if (verifier !== null) throw invalid("There was no code_challenge for this code_verifier");
    return;
  }
  if (verifier === null) throw invalid("The code_verifier is missing");
  if (!/^[\w.~-]{43,128}$/.test(verifier)) throw refusal("invalid_request", "The code_verifier is malformed");
  if (hash !== challenge) throw invalid("The code_verifier does not fit the code_challenge");
}

function checkRedirectUri({ request }: IssuedCode, given: string | null): void {
  if (given === null ? request.redirectUriGiven : given !== request.redirectUri) {
    throw invalid("redirect_uri is not the one of the authorization request");
  }
}

function invalid(description: string): Response {
  return refusal("invalid_grant", description);
}
