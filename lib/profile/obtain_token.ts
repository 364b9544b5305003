/**
 * A new token for a profile from its server: by the refresh token, or by the client's own credentials.
 *
 * @module
 */

import { isTokenError, TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { clientCredentialsGrant } from "../oauth/grants/client_credentials.ts";
import { refreshTokenGrant } from "../oauth/grants/refresh_token.ts";
import type { TokenParameters } from "../oauth/token_request.ts";
import type { Session } from "../session/session.ts";
import type { AccessToken } from "../session/token_source.ts";
import { clientOf } from "./client_of.ts";
import { discoverFor, issuerOf } from "./connection.ts";
import type { Profile } from "./profile.ts";
import type { KeptSession, SessionHome } from "./session_home.ts";

/**
 * Asks the server for a token. The caller holds the lock of `home`; a refresh token that comes along is durable when
 * this returns.
 *
 * @throws {TokenError} `sign_in_required` when there is no session, or a dead one; as the grants and the store
 */
export async function obtainToken(
  host: Host,
  profile: Profile,
  home: SessionHome,
  parameters: TokenParameters,
  signal?: AbortSignal,
): Promise<AccessToken> {
  const kept = await home.read();
  try {
    if (profile.flow === "client-credentials") {
      return await forItself(host, profile, kept?.session, parameters, signal);
    }
    if (!kept?.session.refreshToken) throw signInNeeded(profile, kept?.session);
    return await refresh(host, profile, home, kept, parameters, signal);
  } catch (error) {
    throw isTokenError(error) ? named(error, profile, kept?.session, parameters) : error;
  }
}

async function forItself(
  host: Host,
  profile: Profile,
  session: Session | undefined,
  parameters: TokenParameters,
  signal?: AbortSignal,
): Promise<AccessToken> {
  const issuer = session
    ? await issuerOf(host, profile, session.metadata)
    : await discoverFor(host, profile, signal);
  const asked = { ...parameters, scope: parameters.scope ?? profile.scope };
  const client = await clientOf(profile, session);
  const { refreshToken: _unasked, ...token } = await clientCredentialsGrant(issuer, client, asked, {
    signal,
  });
  return token;
}

async function refresh(
  host: Host,
  profile: Profile,
  home: SessionHome,
  { session, version }: KeptSession,
  parameters: TokenParameters,
  signal?: AbortSignal,
): Promise<AccessToken> {
  signal?.throwIfAborted();
  const issuer = await issuerOf(host, profile, session.metadata);
  const client = await clientOf(profile, session);
  let kept = { session, version };
  const keep = async (changed: Partial<Session>): Promise<void> => {
    const next = { ...kept.session, ...changed };
    kept = { session: next, version: await home.write(next, kept.version) };
  };
  // once the refresh token is on its way, nobody's Ctrl-C may lose its successor: no signal from here on
  const { refreshToken: _kept, ...token } = await refreshTokenGrant(issuer, client, {
    ...parameters,
    refreshToken: session.refreshToken!,
    claims: session.claims,
    grantedScope: session.scope,
    // before the rest of the answer is judged: a server that rotates takes no other from now on
    onRefreshToken: (refreshToken) => keep({ refreshToken }),
  });
  const { refreshExpiresAt, claims, idToken } = token;
  if (refreshExpiresAt || claims || idToken) await keep(defined({ refreshExpiresAt, claims, idToken }));
  return token;
}

function signInNeeded(profile: Profile, session?: Session): TokenError {
  const { name, protect } = profile;
  if (protect.kind === "memory") {
    return new TokenError("sign_in_required", `"${name}" keeps no sign-in from one command to the next`, {
      nextStep: `Run it in a terminal, or keep the sign-in: apex-token login ${name} --protect key-file`,
    });
  }
  const message = session
    ? `"${name}" has no refresh token, so its token could not be renewed`
    : `"${name}" is not signed in`;
  return new TokenError("sign_in_required", message, { nextStep: `Run: apex-token login ${name}` });
}

/** An error with the profile's name and the command that helps. */
function named(
  error: TokenError,
  profile: Profile,
  session: Session | undefined,
  parameters: TokenParameters,
): TokenError {
  const login = `apex-token login ${profile.name}`;
  if (error.code === "sign_in_required" && error.serverError !== undefined) {
    const words = error.serverDescription ?? error.serverError;
    const message = `The sign-in of "${profile.name}" has ended (the server says "${words}")`;
    return new TokenError("sign_in_required", message, { ...error, nextStep: `Run: ${login}` });
  }
  if (error.serverError === "invalid_scope" && parameters.scope !== undefined) {
    const granted = session?.scope ? `Granted at sign-in: ${session.scope}. ` : "";
    const again = session && /^[\w.:/@ -]+$/.test(parameters.scope)
      ? `, or sign in again with it: ${login} --scope "${union(profile.scope, parameters.scope)}"`
      : "";
    const nextStep = `${granted}Ask for less with -s${again}`;
    return new TokenError(error.code, error.message, { ...error, nextStep });
  }
  return error;
}

function defined<T extends object>(members: T): Partial<T> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function union(...scopes: (string | undefined)[]): string {
  return [...new Set(scopes.join(" ").split(/\s+/).filter(Boolean))].join(" ");
}
