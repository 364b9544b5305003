/**
 * Validation of an ID token (OpenID Connect Core 1.0 section 3.1.3.7).
 *
 * The protocol library checks issuer, audience, times, `azp` and the algorithm. This module adds the signature, which
 * Core lets TLS replace and which this package always verifies, and what the sign-in alone knows.
 *
 * @module
 */

import { type AuthorizationServer, processUserInfoResponse, skipSubjectCheck } from "oauth4webapi";
import { TokenError } from "../errors.ts";
import { secondsMember, textMember } from "./_answer.ts";
import { decrypted } from "./_decryption.ts";
import { JWT_TYPE, verified } from "./_keys.ts";
import { protocolClient } from "./_protocol.ts";
import type { Client } from "./client.ts";
import { asServer, type Issuer } from "./issuer.ts";
import { toBase64Url, utf8 } from "./_encodings.ts";
import { unverifiedClaims, unverifiedHeader } from "./jwt.ts";
import { sameButForSlash } from "./quirks.ts";
import { scopeOf, TOKEN_EXCHANGE, type Validation } from "./token_request.ts";
import type { IdTokenClaims } from "./token_set.ts";

/** How far in the past an ID token may have been issued, and how far ahead its clock may be, in seconds. */
const OLDEST = 600;
const CLOCK_TOLERANCE = 60;
/** By how much a sign-in may be older than was asked for, in seconds. */
const AGE_TOLERANCE = 30;

/** What an ID token is held against, besides the issuer and the client. */
export interface IdTokenExpectation {
  /** The nonce of the request; the ID token must then be there. */
  readonly nonce?: string;
  /** How old the sign-in may be, in seconds. */
  readonly maxAge?: number;
  /** The claims of the sign-in that is renewed (OpenID Connect Core 1.0 section 12.2). */
  readonly previous?: IdTokenClaims;
}

/**
 * Validates the ID token of a token endpoint's answer, signature included, for {@linkcode requestToken}.
 *
 * @returns what gives the claims, or nothing for an answer without an ID token
 */
export function idTokenValidation(
  expectation: IdTokenExpectation = {},
): Validation {
  return async (issuer, client, answer, request) => {
    const { nonce, maxAge } = expectation;
    if (answer.id_token === undefined) {
      if (nonce !== undefined || maxAge !== undefined) throw untrusted("it is missing");
      const asked = scopeOf(request)?.split(" ").includes("openid");
      if (asked && !MAY_LEAVE_OUT.includes(request.grantType)) issuer.quirks.report("id-token-missing");
      return undefined;
    }
    // kept as it was signed: that is what the server's log-out page takes for a hint
    const idToken = answer.id_token = await decrypted(client, String(answer.id_token));
    const who = protocolClient(issuer, client);
    const server = judgedBy(issuer, idToken);
    const step = (response: Response) => processUserInfoResponse(server, who, skipSubjectCheck, response);
    const claims = await verified<IdTokenClaims>(issuer, idToken, JWT_TYPE, step);
    checkClaims(claims, issuer, client, expectation);
    await checkAccessToken(claims, idToken, String(answer.access_token));
    return claims;
  };
}

/** Grants whose answer need not have an ID token (OpenID Connect Core 1.0 section 12.2, RFC 8693 section 2.2.1). */
const MAY_LEAVE_OUT: readonly string[] = ["refresh_token", TOKEN_EXCHANGE];

/**
 * The checks that are left: what has to be there, a plausible `iat`, a `sub` that fits, no second audience, the nonce and
 * the age of the sign-in, and on a refresh the same person as before (OpenID Connect Core 1.0 section 12.2).
 *
 * @throws {TokenError} `invalid_response`
 */
function checkClaims(
  claims: IdTokenClaims,
  issuer: Issuer,
  client: Client,
  { nonce, maxAge, previous }: IdTokenExpectation,
): void {
  const now = issuer.http.clock.now() / 1000;
  const audiences = [claims.aud].flat();
  textMember(claims, "iss");
  secondsMember(claims, "exp");
  secondsMember(claims, "iat");
  if (claims.auth_time !== undefined) secondsMember(claims, "auth_time");
  const complaint = claims.iat < now - OLDEST
    ? "it was issued more than ten minutes ago; check this machine's clock"
    : claims.iat > now + CLOCK_TOLERANCE
    ? "it was issued in the future; check this machine's clock"
    : claims.sub.length > 255
    ? 'its "sub" is longer than 255 characters'
    : !audiences.includes(client.clientId) || (audiences.length > 1 && claims.azp !== client.clientId)
    ? "it was not issued for this client alone"
    : maxAge !== undefined && !(Number(claims.auth_time) + maxAge >= now - AGE_TOLERANCE)
    ? "the sign-in was too long ago"
    : previous && (previous.sub !== claims.sub || previous.iss !== claims.iss)
    ? "it is about somebody else than the sign-in"
    : (nonce !== undefined && claims.nonce !== nonce) || (previous && isOther(claims, previous))
    ? "it belongs to another sign-in"
    : undefined;
  if (complaint) throw untrusted(complaint);
}

/** OpenID Connect Core 1.0 section 12.2: what a refreshed ID token says of the sign-in, it says as before. */
function isOther(now: IdTokenClaims, { auth_time = now.auth_time, ...before }: IdTokenClaims): boolean {
  const same: IdTokenClaims = { ...before, auth_time };
  return ["auth_time", "azp", "nonce"].some((name) => now[name] !== undefined && now[name] !== same[name]);
}

function untrusted(complaint: string): TokenError {
  return new TokenError("invalid_response", `Cannot trust the server's ID token: ${complaint}`);
}

/** The access token is the one that the ID token came with, where it says so (`at_hash`, section 3.1.3.8). */
async function checkAccessToken(claims: IdTokenClaims, idToken: string, accessToken: string): Promise<void> {
  if (claims.at_hash === undefined) return;
  const algorithm = String(unverifiedHeader(idToken)?.alg);
  const bits = /^Ed/.test(algorithm) ? "512" : /(256|384|512)$/.exec(algorithm)?.[1];
  if (bits === undefined) return;
  const digest = await crypto.subtle.digest(`SHA-${bits}`, utf8(accessToken));
  if (claims.at_hash === toBase64Url(new Uint8Array(digest, 0, digest.byteLength / 2))) return;
  throw untrusted("it belongs to another access token");
}

/**
 * The metadata to judge an ID token by. To the protocol library an ID token and a signed answer of the UserInfo
 * endpoint are one thing, the issuer's word about somebody to this client; they differ in the algorithms (RS256 where
 * the server names none, OpenID Connect Core 1.0 section 3.1.3.7) and in what has to be there, which is checked here.
 * With the quirk `issuer-trailing-slash`, an `iss` that differs in its last slash only is the issuer.
 */
function judgedBy(issuer: Issuer, idToken: string): AuthorizationServer {
  const server = asServer(issuer);
  const algorithms = server.id_token_signing_alg_values_supported ?? ["RS256"];
  const judge = { ...server, userinfo_signing_alg_values_supported: algorithms };
  if (!issuer.quirks.enabled.includes("issuer-trailing-slash")) return judge;
  const iss = unverifiedClaims(idToken)?.iss;
  if (typeof iss !== "string" || iss === issuer.issuer || !sameButForSlash(iss, issuer.issuer)) return judge;
  issuer.quirks.report("issuer-trailing-slash");
  return { ...judge, issuer: iss };
}
