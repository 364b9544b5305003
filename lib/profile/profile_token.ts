/**
 * A valid token for a profile: from the cache, by the refresh token, or by the client's own credentials. It never asks
 * anybody.
 *
 * @module
 */

import { isTokenError, type TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { givenUp } from "../http/abort.ts";
import type { TokenParameters } from "../oauth/token_request.ts";
import { runRefresh } from "../session/refresh_driver.ts";
import type { Verdict } from "../session/refresh_events.ts";
import type { AccessToken } from "../session/token_source.ts";
import { type CachedToken, isFresh, narrowingKey } from "./cached_token.ts";
import { narrowingParameters } from "./connection.ts";
import { inWordsOf } from "./obtain_token.ts";
import type { Profile } from "./profile.ts";
import { type Places, renewalOf } from "./renewal.ts";
import { sessionHome } from "./session_home.ts";

/** What a caller wants of a profile. */
export interface ProfileTokenOptions {
  /** Scopes to narrow the token to, separated by blanks. Default: all that were granted. */
  scope?: string;
  /** The API that the token is for. */
  audience?: string;
  /** For how long it must still be valid, in seconds. A shorter one is an error, unless the server gives no longer ones. */
  minValidity?: number;
  /** Renews even though a good token is at hand. Default: false. */
  force?: boolean;
  /** The token must come with an ID token that is still valid. Default: false. */
  idToken?: boolean;
  /** What is sent in place of scope and audience, where somebody else has put them into the server's dialect. */
  parameters?: TokenParameters;
  /** Ends the wait; where a refresh token is on its way, when its answer is safe. */
  signal?: AbortSignal;
}

/**
 * A valid token for a profile.
 *
 * A token that is due for renewal is still handed out when it cannot be renewed, to its last second; if the reason is
 * one that will not pass by itself, a warning says so.
 *
 * @param places where its session is, if it is no profile of a file
 * @throws {TokenError} `sign_in_required` when a person has to sign in; `key`, `storage`, `server_refused`,
 * `unavailable`, `network`, `timeout`, `aborted`
 */
export async function profileToken(
  host: Host,
  profile: Profile,
  options: ProfileTokenOptions = {},
  places?: Places,
): Promise<CachedToken> {
  const { signal, parameters = narrowingParameters(profile, options) } = options;
  const now = () => host.clock.now() / 1000;
  const startedAt = host.clock.now();
  const judge = (token: CachedToken) => judged(token, options, now(), startedAt);
  const wish = { parameters, asked: narrowingKey(options), judge, signal };
  const ports = renewalOf(host, profile, wish, places);
  try {
    const { token, because } = await runRefresh(ports, { spends: profile.flow !== "client-credentials" });
    // what was brought is kept; whoever gave up does not get it all the same
    if (signal?.aborted) throw givenUp(true);
    if (because && !because.retryable) {
      warn(host, await named(host, profile, because, parameters), token.expiresAt - now());
    }
    return token;
  } catch (error) {
    throw isTokenError(error) ? await named(host, profile, error, parameters) : error;
  }
}

/**
 * How far a token may be used.
 *
 * @param now epoch seconds
 * @param startedAt when it was asked for, in epoch milliseconds
 */
function judged(token: CachedToken, options: ProfileTokenOptions, now: number, startedAt: number): Verdict {
  const { requestedAt = token.issuedAt * 1000 } = token;
  // one that was asked for before is the one that was called bad, or comes from the same time
  if (options.force && (requestedAt < startedAt || requestedAt > now * 1000)) return "useless";
  if (isGood(token, options, now)) return "good";
  if (!canServe(token, options, now)) return "useless";
  return now < token.hardAt ? "due" : "overdue";
}

/** An error in the words of the profile. */
async function named(
  host: Host,
  profile: Profile,
  error: TokenError,
  parameters: TokenParameters,
): Promise<TokenError> {
  if (error.code !== "sign_in_required" && error.serverError !== "invalid_scope") return error;
  const kept = await sessionHome(host, profile).read().catch(() => undefined);
  return inWordsOf(profile, error, kept?.session, parameters);
}

/** Whether a token can be handed out without asking anybody. */
function isGood(token: CachedToken, options: ProfileTokenOptions, now: number): boolean {
  return isFresh(token, now, options.minValidity) && hasIdToken(token, options, now);
}

/** An ID token is wanted for what it says now: one that ran out is no use. */
function hasIdToken(token: AccessToken, options: ProfileTokenOptions, now: number): boolean {
  if (!options.idToken) return true;
  const { minValidity = 0 } = options;
  const exp = token.claims?.exp ?? 0;
  const tooShortEvenWhenFresh = exp - token.issuedAt <= minValidity;
  return token.idToken !== undefined && exp > now && (tooShortEvenWhenFresh || exp - now >= minValidity);
}

/** Whether a token that is due for renewal is still one that was asked for. */
function canServe(token: CachedToken, options: ProfileTokenOptions, now: number): boolean {
  const left = token.expiresAt - now;
  return left > 0 && left >= (options.minValidity ?? 0) && hasIdToken(token, options, now);
}

function warn(host: Host, error: TokenError, left: number): void {
  host.say(`${error.message}. The present token is valid for ${Math.floor(left)} s more.`);
  if (error.nextStep) host.say(error.nextStep);
}
