/**
 * A valid token for a profile: from the cache, by the refresh token, or by the client's own credentials. It never asks
 * anybody.
 *
 * @module
 */

import { isTokenError, type TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { AccessToken } from "../session/token_source.ts";
import { type CachedToken, cachedToken, isFresh, narrowingKey } from "./cached_token.ts";
import { narrowingParameters } from "./connection.ts";
import { obtainToken } from "./obtain_token.ts";
import { withPatience } from "./patience.ts";
import type { Profile } from "./profile.ts";
import { sessionHome } from "./session_home.ts";
import { readCachedToken, writeCachedToken } from "./token_cache.ts";

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
  /** Ends the wait. */
  signal?: AbortSignal;
}

/** How long an early renewal that failed is not tried again, in seconds. */
const COOL_DOWN = 60;

/**
 * A valid token for a profile.
 *
 * A token that is due for renewal is still handed out when it cannot be renewed, to its last second; if the reason is
 * one that will not pass by itself, a warning says so.
 *
 * @throws {TokenError} `sign_in_required` when a person has to sign in; `key`, `storage`, `server_refused`,
 * `unavailable`, `network`, `timeout`, `aborted`
 */
export async function profileToken(
  host: Host,
  profile: Profile,
  options: ProfileTokenOptions = {},
): Promise<CachedToken> {
  const parameters = narrowingParameters(profile, options);
  const asked = narrowingKey(options);
  const now = () => host.clock.now() / 1000;

  let token = await readCachedToken(host, profile, asked);
  if (token && !options.force && isGood(token, options, now())) return token;

  const home = sessionHome(host, profile);
  const before = token;
  // nobody waits for the one who renews a token that may still be handed out
  const isServable = () => before !== undefined && now() < before.hardAt && canServe(before, options, now());
  const lock = await home.lock(isServable, options.signal);
  if (!lock) return before!;
  try {
    // somebody else may have renewed it while we waited for the lock
    token = await readCachedToken(host, profile, asked) ?? token;
    const isOther = token !== undefined && token.accessToken !== before?.accessToken;
    if (token && (isOther || !options.force) && isGood(token, options, now())) return token;
    const renewed = await withPatience(
      host,
      profile.issuer,
      () => obtainToken(host, profile, home, parameters, options.signal),
    );
    token = cachedToken(renewed, { issuer: profile.issuer, profile: profile.name, asked });
    if (renewed.expiresAt > renewed.issuedAt) await keep(host, profile, token);
    return token;
  } catch (error) {
    if (!token || !isTokenError(error) || !mayServe(error, token, options, now())) throw error;
    if (!error.retryable) warn(host, error, token.expiresAt - now());
    const softAt = Math.min(now() + Math.max(COOL_DOWN, error.retryAfter ?? 0), token.hardAt);
    if (softAt > token.softAt) await keep(host, profile, { ...token, softAt });
    return token;
  } finally {
    lock.release();
  }
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
  const { force, minValidity = 0 } = options;
  const left = token.expiresAt - now;
  return !force && left > 0 && left >= minValidity && hasIdToken(token, options, now);
}

function mayServe(error: TokenError, token: CachedToken, options: ProfileTokenOptions, now: number): boolean {
  return error.code !== "aborted" && error.code !== "internal" && canServe(token, options, now);
}

/** Keeps a token for the next call. What cannot be kept is handed out all the same: it can be fetched again. */
async function keep(host: Host, profile: Profile, token: CachedToken): Promise<void> {
  try {
    await writeCachedToken(host, profile, token);
  } catch (error) {
    if (!isTokenError(error)) throw error;
    host.say(`The token is not kept for the next call. ${error.message}. ${error.nextStep ?? ""}`.trimEnd());
  }
}

function warn(host: Host, error: TokenError, left: number): void {
  host.say(`${error.message}. The present token is valid for ${Math.floor(left)} s more.`);
  if (error.nextStep) host.say(error.nextStep);
}
