/**
 * A valid token for a profile: from the cache, by the refresh token, or by the client's own credentials. It never asks
 * anybody.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { clientCredentialsGrant } from "../oauth/grants/client_credentials.ts";
import { refreshTokenGrant } from "../oauth/grants/refresh_token.ts";
import type { TokenSet } from "../oauth/token_set.ts";
import type { Session } from "../session/session.ts";
import type { AccessToken } from "../session/token_source.ts";
import { type CachedToken, cachedToken, isFresh, narrowingKey } from "./cached_token.ts";
import { clientOf, discoverFor, issuerOf, narrowingParameters } from "./connection.ts";
import type { Profile } from "./profile.ts";
import { type KeptSession, type SessionHome, sessionHome } from "./session_home.ts";
import { readCachedToken, writeCachedToken } from "./token_cache.ts";

/** What a caller wants of a profile. */
export interface ProfileTokenOptions {
  /** Scopes to narrow the token to, separated by blanks. Default: all that were granted. */
  scope?: string;
  /** The API that the token is for. */
  audience?: string;
  /** For how long it must still be valid, in seconds. With it, an unreachable server is an error. */
  minValidity?: number;
  /** Renews even though a good token is at hand. Default: false. */
  force?: boolean;
  /** The token must come with an ID token that is still valid. Default: false. */
  idToken?: boolean;
  /** Ends the wait. */
  signal?: AbortSignal;
}

/**
 * A valid token for a profile.
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
  const good = (token: CachedToken) =>
    !options.force && isFresh(token, now(), options.minValidity) && hasIdToken(token, options, now());

  const cached = await readCachedToken(host, profile, asked);
  if (cached && good(cached)) return cached;

  const home = sessionHome(host, profile);
  const before = cached?.accessToken;
  const lock = await home.lock(() => false, options.signal);
  try {
    // somebody else may have renewed it while we waited for the lock
    const renewed = await readCachedToken(host, profile, asked);
    if (renewed && renewed.accessToken !== before && isFresh(renewed, now(), options.minValidity)) {
      if (hasIdToken(renewed, options, now())) return renewed;
    }
    const token = await obtain(host, profile, home, parameters, options.signal);
    const kept = cachedToken(token, { issuer: profile.issuer, profile: profile.name, asked });
    if (token.expiresAt > token.issuedAt) await writeCachedToken(host, profile, kept);
    return kept;
  } catch (error) {
    if (canStillServe(error, cached, options, now())) return cached!;
    throw error;
  } finally {
    lock?.release();
  }
}

/** An ID token is wanted for what it says now: one that ran out is no use. */
function hasIdToken(token: AccessToken, options: ProfileTokenOptions, now: number): boolean {
  return !options.idToken || (token.idToken !== undefined && (token.claims?.exp ?? 0) > now);
}

/** A valid token is served while the server is down, to its last second, unless a minimum was asked for. */
function canStillServe(
  error: unknown,
  cached: CachedToken | undefined,
  options: ProfileTokenOptions,
  now: number,
): boolean {
  if (!cached || cached.expiresAt <= now || options.force || options.minValidity !== undefined) return false;
  return error instanceof TokenError && error.retryable && hasIdToken(cached, options, now);
}

async function obtain(
  host: Host,
  profile: Profile,
  home: SessionHome,
  parameters: { scope?: string },
  signal?: AbortSignal,
): Promise<TokenSet> {
  const kept = await home.read();
  if (profile.flow === "client-credentials") {
    return await forItself(host, profile, kept?.session, parameters, signal);
  }
  if (!kept?.session.refreshToken) throw signInNeeded(profile, kept?.session);
  return await refresh(host, profile, home, kept, parameters, signal);
}

async function forItself(
  host: Host,
  profile: Profile,
  session: Session | undefined,
  parameters: { scope?: string },
  signal?: AbortSignal,
): Promise<TokenSet> {
  const issuer = session
    ? await issuerOf(host, profile, session.metadata)
    : await discoverFor(host, profile, signal);
  const asked = { ...parameters, scope: parameters.scope ?? profile.scope };
  return await clientCredentialsGrant(issuer, clientOf(profile, session), asked, { signal });
}

async function refresh(
  host: Host,
  profile: Profile,
  home: SessionHome,
  { session, version }: KeptSession,
  parameters: { scope?: string },
  signal?: AbortSignal,
): Promise<TokenSet> {
  signal?.throwIfAborted();
  const issuer = await issuerOf(host, profile, session.metadata);
  const request = {
    ...parameters,
    refreshToken: session.refreshToken!,
    claims: session.claims,
    grantedScope: session.scope,
  };
  // once the refresh token is on its way, nobody's Ctrl-C may lose its successor: no signal from here on
  const tokens = await refreshTokenGrant(issuer, clientOf(profile, session), request).catch((error) => {
    throw named(error, profile);
  });
  await home.write({
    ...session,
    refreshToken: tokens.refreshToken,
    refreshExpiresAt: tokens.refreshExpiresAt ?? session.refreshExpiresAt,
    claims: tokens.claims ?? session.claims,
  }, version);
  const { refreshToken: _kept, ...token } = tokens;
  return token;
}

function signInNeeded(profile: Profile, session?: Session): TokenError {
  const message = session
    ? `"${profile.name}" has no refresh token, so its token could not be renewed`
    : `"${profile.name}" is not signed in`;
  return new TokenError("sign_in_required", message, { nextStep: `Run: apex-token login ${profile.name}` });
}

function named(error: unknown, profile: Profile): unknown {
  if (!(error instanceof TokenError) || error.code !== "sign_in_required") return error;
  const words = error.serverDescription ?? error.serverError;
  return new TokenError(
    "sign_in_required",
    `The sign-in of "${profile.name}" has ended (the server says "${words}")`,
    {
      ...error,
      nextStep: `Run: apex-token login ${profile.name}`,
    },
  );
}
