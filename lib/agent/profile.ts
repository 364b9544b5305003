/**
 * The profiles of this workstation, for scripts: what `apex-token login` has set up, and the accounts of oidc-agent,
 * without starting anything.
 *
 * ```ts ignore
 * import { profile } from "@apex/token/profile";
 *
 * const { accessToken } = await profile("apex_project_a").get();
 * ```
 *
 * It runs in Deno, Bun and Node.
 *
 * @module
 */

import { workstation } from "../host/host.ts";
import type { AccessToken, GetOptions, TokenSource } from "../session/token_source.ts";
import { sourceNamed } from "./source_named.ts";

export type { AuthorizationDetail, TokenParameters } from "../oauth/token_request.ts";
export type { IdTokenClaims, TokenSet } from "../oauth/token_set.ts";
export type { AccessToken, GetOptions, TokenSource };
export type { TokenCache } from "../session/token_cache.ts";

/**
 * The tokens of a profile, shared with the command line and with every other program of this person: one sign-in, one
 * refresh for all. A name that no profile has may be that of an account of oidc-agent: its tokens come from the agent
 * that has it loaded, or from its file where gpg opens that. Nobody is ever asked anything; where a person has to sign
 * in or give a password, the error names the command.
 *
 * @param name the profile. Default: `APEX_TOKEN_PROFILE`, or the default profile
 * @throws {TokenError} `unknown_profile` and `storage` from its methods, when the profile cannot be read; `key` when
 * the account is not loaded and has a password
 */
export function profile(name?: string): TokenSource {
  const source = lazily(() => sourceNamed(workstation(), name));
  return {
    get: async (options) => await (await source()).get(options),
    fetch: async (input, init) => await (await source()).fetch(input, init),
    invalidate: (accessToken) => {
      source().then((made) => made.invalidate(accessToken), () => {});
    },
    peek: (options) => source.made?.peek(options),
  };
}

type Lazy<T> = (() => Promise<T>) & { made?: T };

/** Makes a thing when it is first needed; a failure is not remembered. */
function lazily<T>(make: () => Promise<T>): Lazy<T> {
  let making: Promise<T> | undefined;
  const lazy: Lazy<T> = () =>
    making ??= make().then((made) => lazy.made = made, (error) => {
      making = undefined;
      throw error;
    });
  return lazy;
}
