/**
 * One answer of a token endpoint, normalised.
 *
 * @module
 */

import { unusableAnswer } from "./_answer.ts";
import { defined } from "./_defined.ts";
import type { Members } from "./quirks.ts";

/** The claims of a validated ID token (OpenID Connect Core 1.0 section 2). */
export interface IdTokenClaims {
  /** Who issued it: the issuer identifier. */
  readonly iss: string;
  /** Who signed in: never given to another person by this issuer. */
  readonly sub: string;
  /** Whom it is for: the client. */
  readonly aud: string | readonly string[];
  /** When it ends, in epoch seconds. */
  readonly exp: number;
  /** When it was issued, in epoch seconds. */
  readonly iat: number;
  /** Whatever else the server says. */
  readonly [claim: string]: unknown;
}

/** One answer of a token endpoint (RFC 6749 section 5.1), normalised. */
export interface TokenSet {
  /** The access token. */
  readonly accessToken: string;
  /** `"Bearer"` or `"DPoP"`; after a token exchange also `"N_A"` (RFC 8693 section 2.2.1). */
  readonly tokenType: string;
  /** When the request was made, in epoch seconds. */
  readonly issuedAt: number;
  /** When the access token ends, in epoch seconds, counted from before the request was sent. */
  readonly expiresAt: number;
  /** The scope that was granted; what was asked for where the server does not say (RFC 6749 section 5.1). */
  readonly scope?: string;
  /** What was granted in detail (RFC 9396 section 7), where the server says so. */
  readonly authorizationDetails?: readonly Record<string, unknown>[];
  /** The refresh token, if the server gave one. */
  readonly refreshToken?: string;
  /** When the refresh token ends by itself, in epoch seconds, where the server says so (Keycloak). */
  readonly refreshExpiresAt?: number;
  /** The ID token as it came, if the server gave one. */
  readonly idToken?: string;
  /** The claims of the ID token, after validation. */
  readonly claims?: IdTokenClaims;
}

/** What a token may consist of: 1*VSCHAR (RFC 6749 appendix A.12 and A.17). */
const VISIBLE = /^[\x21-\x7e]+$/;
const TOKEN_TYPES = ["Bearer", "DPoP", "N_A"];
const LONGEST_TOKEN = 65_536;

/**
 * @param sentAt when the request was made, in epoch milliseconds
 * @param requestedScope what was asked for
 * @throws {TokenError} `invalid_response` for a token that cannot be put in a header
 */
export function tokenSetOf(
  answer: Members,
  sentAt: number,
  requestedScope?: string,
): TokenSet {
  const issuedAt = Math.floor(sentAt / 1000);
  if (answer.scope !== undefined && typeof answer.scope !== "string") {
    throw unusableAnswer('its "scope" is no text');
  }
  // not in any standard: Keycloak says here how long the sign-in lasts, 0 for one without end
  const refreshLife = answer.refresh_expires_in as number;
  return defined<TokenSet>({
    accessToken: token(answer, "access_token")!,
    tokenType: tokenType(answer.token_type),
    issuedAt,
    expiresAt: issuedAt + Number(answer.expires_in),
    scope: answer.scope?.trim() || requestedScope || undefined,
    authorizationDetails: details(answer.authorization_details),
    refreshToken: token(answer, "refresh_token"),
    refreshExpiresAt: Number.isInteger(refreshLife) && refreshLife > 0 ? issuedAt + refreshLife : undefined,
    idToken: token(answer, "id_token"),
  });
}

/** The refresh token of an answer, whatever else is wrong with it; nothing when it has none that can be used. */
export function refreshTokenOf({ refresh_token: value }: Members): string | undefined {
  return isToken(value) ? value : undefined;
}

function details(value: unknown): readonly Record<string, unknown>[] | undefined {
  if (value === undefined) return undefined;
  const isDetail = (one: unknown) => typeof (one as { type?: unknown } | null)?.type === "string";
  if (Array.isArray(value) && value.every(isDetail)) return value;
  throw unusableAnswer('its "authorization_details" are no list');
}

/** RFC 6749 section 7.1: in any case of letters; a type that nobody here can use is refused. */
function tokenType(value: unknown): string {
  const type = TOKEN_TYPES.find((type) =>
    typeof value === "string" && type.toLowerCase() === value.toLowerCase()
  );
  if (type) return type;
  throw unusableAnswer('its "token_type" is missing or unknown');
}

function isToken(value: unknown): value is string {
  return typeof value === "string" && value.length <= LONGEST_TOKEN && VISIBLE.test(value);
}

function token(answer: Members, name: string): string | undefined {
  const value = answer[name];
  if (isToken(value)) return value;
  if (value === undefined && name !== "access_token") return undefined;
  throw unusableAnswer(`its "${name}" is not a token`);
}
