/**
 * A new token by the client's own credentials, and what goes wrong with renewals in the words of the profile.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { clientCredentialsGrant } from "../oauth/grants/client_credentials.ts";
import type { TokenParameters } from "../oauth/token_request.ts";
import type { Session } from "../session/session.ts";
import type { AccessToken } from "../session/token_source.ts";
import { clientOf } from "./client_of.ts";
import { discoverFor, issuerOf } from "./connection.ts";
import type { Profile } from "./profile.ts";
import { checkRegistration } from "./register.ts";
import type { SessionHome } from "./session_home.ts";

/**
 * A new token for a profile whose client speaks for itself. The caller holds the lock of `home`. Its secret may well be
 * in a file that is still there after a `logout`: signed out is signed out all the same.
 *
 * @throws {TokenError} `sign_in_required` when nobody has signed in; as the grant and the store
 */
export async function obtainForItself(
  host: Host,
  profile: Profile,
  home: SessionHome,
  parameters: TokenParameters,
  signal?: AbortSignal,
): Promise<AccessToken> {
  const session = (await home.read())?.session;
  if (home.kept && !session) throw signInNeeded(profile);
  checkRegistration(profile, session, host.clock.now() / 1000);
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

/** An error of a renewal with the profile's name and the command that helps. */
export function inWordsOf(
  profile: Profile,
  error: TokenError,
  session: Session | undefined,
  parameters: TokenParameters,
): TokenError {
  const login = `apex-token login ${profile.name}`;
  if (error.code === "sign_in_required" && error.serverError !== undefined) {
    const words = error.serverDescription ?? error.serverError;
    const message = `The sign-in of "${profile.name}" has ended (the server says "${words}")`;
    return new TokenError("sign_in_required", message, { ...error, nextStep: `Run: ${login}` });
  }
  if (error.code === "sign_in_required") return error.nextStep ? error : signInNeeded(profile, session);
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

function union(...scopes: (string | undefined)[]): string {
  return [...new Set(scopes.join(" ").split(/\s+/).filter(Boolean))].join(" ");
}
