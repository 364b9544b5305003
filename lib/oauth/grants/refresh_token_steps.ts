/**
 * The refresh token grant (RFC 6749 section 6) in two steps, for whoever keeps the answer before it is read.
 *
 * @module
 */

import { isTokenError, type TokenError } from "../../errors.ts";
import { type EndpointAnswer, successMembers } from "../_answer.ts";
import type { Client } from "../client.ts";
import { idTokenValidation } from "../id_token.ts";
import type { Issuer } from "../issuer.ts";
import {
  formOf,
  narrowing,
  readTokenAnswer,
  sendTokenRequest,
  type TokenParameters,
  type TokenRequest,
  WHAT,
} from "../token_request.ts";
import { orEnded } from "./refresh_token.ts";
import { type IdTokenClaims, refreshTokenOf, type TokenSet } from "../token_set.ts";

/** An answer to a refresh token, with what it takes to read it later and elsewhere. */
export interface RefreshAnswer {
  /** Where it came from. */
  readonly url: string;
  /** A success. */
  readonly status: number;
  readonly contentType: string;
  readonly body: Uint8Array;
  /** The scope that was asked for, if any. */
  readonly scope?: string;
  /** When the request was made, in epoch milliseconds. */
  readonly sentAt: number;
  /** When the answer had come, in epoch milliseconds. */
  readonly receivedAt: number;
}

/** What an answer was found to hold. */
export interface ReadAnswer {
  /** The refresh token that is good from now on, where the answer shows one; it is good even if the rest is not. */
  readonly refreshToken?: string;
  /** The tokens, if they are of use. */
  readonly tokens?: TokenSet;
  /** Why they are not. */
  readonly error?: TokenError;
}

/** What a refresh token is presented with. */
export interface Presentation extends TokenParameters {
  readonly refreshToken: string;
}

/**
 * Presents a refresh token: sent once, never repeated, and not to be broken off.
 *
 * @throws {TokenError} `sign_in_required` when it is dead, another refusal of the server; `unavailable`, `network`, `timeout`, `invalid_response`
 */
export async function presentRefreshToken(
  issuer: Issuer,
  client: Client,
  { refreshToken, ...parameters }: Presentation,
): Promise<RefreshAnswer> {
  const { clock } = issuer.http;
  const sentAt = clock.now();
  const form = formOf({ ...narrowing(parameters), refresh_token: refreshToken });
  const answer = await sendTokenRequest(issuer, client, { grantType: GRANT, parameters: form }).catch(
    (error) => {
      throw isTokenError(error) ? orEnded(error) : error;
    },
  );
  const { url, status, headers, body } = answer;
  const contentType = headers.get("content-type") ?? "";
  return { url, status, contentType, body, scope: parameters.scope, sentAt, receivedAt: clock.now() };
}

/** What an answer is compared with. */
export interface RefreshedSession {
  /** The refresh token that was presented. */
  readonly refreshToken: string;
  /** The claims of the sign-in: a new ID token must be about the same person. */
  readonly claims?: IdTokenClaims;
  /** The scope that was granted at sign-in: what holds when neither request nor answer names one. */
  readonly scope?: string;
}

/** Reads an answer. Where it has no refresh token, the old one stays good (RFC 6749 section 6). */
export async function readRefreshAnswer(
  issuer: Issuer,
  client: Client,
  session: RefreshedSession,
  answer: RefreshAnswer,
): Promise<ReadAnswer> {
  const { url, status, contentType, body, scope, sentAt } = answer;
  const headers = new Headers({ "content-type": contentType });
  const endpointAnswer: EndpointAnswer = { url, status, headers, body, secrets: [session.refreshToken] };
  const request: TokenRequest = {
    grantType: GRANT,
    parameters: formOf({ scope }),
    scope: session.scope,
    validate: idTokenValidation({ previous: session.claims }),
  };
  try {
    const tokens = await readTokenAnswer(issuer, client, request, endpointAnswer, sentAt);
    return { refreshToken: tokens.refreshToken ?? session.refreshToken, tokens };
  } catch (error) {
    if (!isTokenError(error)) throw error;
    return { refreshToken: refreshTokenIn(endpointAnswer, issuer, session), error: orEnded(error) };
  }
}

/** The refresh token that is good after an answer of which nothing else is of use. */
function refreshTokenIn(
  answer: EndpointAnswer,
  issuer: Issuer,
  { refreshToken }: RefreshedSession,
): string | undefined {
  try {
    const members = successMembers(answer, issuer, WHAT);
    // an object with no token in it at all says nothing about the old one
    return refreshTokenOf(members) ?? (members.access_token ? refreshToken : undefined);
  } catch {
    return undefined;
  }
}

/**
 * Whether the torn or unreadable body of a success shows that the server has carried the request out all the same: it
 * begins like an answer with tokens.
 */
export function showsTokens(body: Uint8Array): boolean {
  return /^\s*\{[^]*"(access|refresh)_token"/.test(new TextDecoder().decode(body));
}

const GRANT = "refresh_token";
