/**
 * Signing in with the password of an account: deprecated, and said so.
 *
 * @module
 */

import { isTokenError, TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { Client } from "../oauth/client.ts";
import { passwordGrant } from "../oauth/grants/password.ts";
import type { Issuer } from "../oauth/issuer.ts";
import type { TokenSet } from "../oauth/token_set.ts";

/** Who signs in. */
export interface PasswordSignIn {
  readonly username?: string;
  /** Gives the password when it is needed. */
  readonly password?: () => Promise<string>;
  readonly scope?: string;
  readonly signal?: AbortSignal;
}

/** Says why nobody should sign in like this. */
export function warnOfPasswordGrant(host: Host): void {
  host.say(
    "The password grant is deprecated (RFC 9700 section 2.4): it hands your password to this program and knows no " +
      "second factor.\nWhere the server offers it, use --flow device instead. The password is sent once and not kept.",
  );
}

/**
 * Sends name and password, once.
 *
 * @throws {TokenError} `invalid_argument` when one of them is missing, `server_refused` when they are wrong
 */
export async function signInWithPassword(
  issuer: Issuer,
  client: Client,
  { username, password, scope, signal }: PasswordSignIn,
): Promise<TokenSet> {
  if (!username || !password) {
    throw new TokenError("invalid_argument", "Cannot use the password grant without the name of an account", {
      nextStep: "Give it with --username NAME",
    });
  }
  try {
    return await passwordGrant(issuer, client, { username, password: await password(), scope }, { signal });
  } catch (error) {
    if (!isTokenError(error) || error.serverError !== "invalid_grant") throw error;
    throw new TokenError(error.code, error.message, {
      ...error,
      nextStep: "Check the user name and the password; an account with a second factor needs --flow device",
    });
  }
}
