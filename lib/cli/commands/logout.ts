/**
 * `apex-token logout`: ends a sign-in on this machine, with `--revoke` at the server too.
 *
 * @module
 */

import type { Host } from "../../host/host.ts";
import { revokeToken } from "../../oauth/revocation.ts";
import { chooseProfile, type SignedIn, signedIn } from "../../profile/signed_in.ts";
import { readCachedToken } from "../../profile/token_cache.ts";
import { isTokenError, TokenError } from "../../errors.ts";
import { dropSession, endRegistration } from "../../profile/remove.ts";
import type { CachedToken } from "../../profile/cached_token.ts";
import { readableSession } from "../../profile/session_home.ts";

/** The options of `logout`. */
export interface LogoutCommand {
  readonly revoke?: boolean;
}

/**
 * Ends a sign-in. The profile stays, so that the next `login NAME` needs no options. What is kept here goes even when
 * the server cannot be told, and then the command fails (RFC 7009 section 2.2.1). A client that this program registered
 * is deleted at the server: the next `login NAME` registers another one.
 */
export async function logout(host: Host, name: string | undefined, { revoke }: LogoutCommand): Promise<void> {
  const { signal, dispose } = host.interrupt();
  try {
    const profile = chooseProfile(host, name);
    const before = revoke ? await signedIn(host, profile) : undefined;
    const token = revoke ? await readCachedToken(host, profile, "") : undefined;
    if (!revoke && profile.registered) {
      await endRegistration(host, profile, await readableSession(host, profile));
    }
    await dropSession(host, profile);
    host.say(`"${profile.name}" is signed out on this machine.`);
    if (before) await revokeSignIn(host, before, token, signal);
  } finally {
    dispose();
  }
}

async function revokeSignIn(
  host: Host,
  { profile, issuer, client, session }: SignedIn,
  token: CachedToken | undefined,
  signal: AbortSignal,
): Promise<void> {
  const server = new URL(issuer.issuer).host;
  try {
    const { refreshToken } = session;
    if (!refreshToken && !token) return host.say("There was no token to revoke.");
    if (refreshToken) {
      await revokeToken(issuer, client, refreshToken, { hint: "refresh_token", signal }).catch(
        outOfReach(server),
      );
    }
    // with the refresh token most servers end its access tokens; some do not, and some cannot (RFC 7009 section 2.2.1)
    if (token) {
      const isAlone = refreshToken === undefined;
      await revokeToken(issuer, client, token.accessToken, { hint: "access_token", signal }).catch(
        isAlone ? outOfReach(server) : unlessRefused,
      );
    }
    host.say(`The ${refreshToken ? "sign-in" : "access token"} has been revoked at ${server}.`);
  } finally {
    await endRegistration(host, profile, session);
  }
}

/** What could be revoked is gone from here, so trying again is no advice. */
function outOfReach(host: string): (error: unknown) => never {
  return (error) => {
    if (!isTokenError(error)) throw error;
    throw new TokenError(error.code, error.message, {
      ...error,
      nextStep: `The sign-in may still be good at ${host}: end it on the page of your account there`,
    });
  };
}

/** The sign-in is over at the server already: an access token that cannot be revoked there runs out by itself. */
function unlessRefused(error: unknown): void {
  if (!isTokenError(error) || error.code !== "server_refused") throw error;
}
