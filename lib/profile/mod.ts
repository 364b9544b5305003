/**
 * The profiles of this workstation, for scripts: what `apex-token login` has set up, without starting anything.
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

import { TokenError } from "../errors.ts";
import { type Host, workstation } from "../host/host.ts";
import { createHttp } from "../http/http.ts";
import type { Issuer } from "../oauth/issuer.ts";
import type { Grant, GrantRequest } from "../session/grant.ts";
import { type AccessToken, type GetOptions, type TokenSource, tokenSource } from "../session/token_source.ts";
import { transportOf } from "./connection.ts";
import type { Profile } from "./profile.ts";
import { profileToken } from "./profile_token.ts";
import { chooseProfile, signedIn } from "./signed_in.ts";

export type { AuthorizationDetail, TokenParameters } from "../oauth/token_request.ts";
export type { IdTokenClaims, TokenSet } from "../oauth/token_set.ts";
export type { AccessToken, GetOptions, TokenSource };
export type { TokenCache } from "../session/token_cache.ts";

/**
 * The tokens of a profile, shared with the command line and with every other program of this person: one sign-in, one
 * refresh for all. Nobody is ever asked anything; where a person has to sign in, the error names the command.
 *
 * @param name the profile. Default: `APEX_TOKEN_PROFILE`, or the default profile
 * @throws {TokenError} `unknown_profile` and `storage` from its methods, when the profile cannot be read
 */
export function profile(name?: string): TokenSource {
  const source = lazily(() => sourceOf(workstation(), name));
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

async function sourceOf(host: Host, name?: string): Promise<TokenSource> {
  const found = chooseProfile(host, name);
  const http = createHttp(await transportOf(host, found));
  const issuer: Issuer = {
    issuer: found.issuer,
    metadata: { issuer: found.issuer },
    http,
    quirks: { enabled: found.quirks, report: () => {} },
  };
  // a token that is bound to a key needs that key at every request to an API
  const client = found.dpop ? (await signedIn(host, found)).client : { clientId: found.clientId };
  return tokenSource(issuer, client, grantOf(host, found));
}

function grantOf(host: Host, found: Profile): Grant {
  return {
    defaults: {},
    obtain: async ({ scope, audience, resource, minValidity, force, signal }: GrantRequest) => {
      const [only, ...more] = [resource ?? []].flat();
      if (more.length > 0 || (only !== undefined && audience !== undefined)) {
        throw new TokenError(
          "invalid_argument",
          "A profile's token is for one API: give one audience or one resource",
        );
      }
      return await profileToken(host, found, {
        scope,
        audience: audience ?? only,
        minValidity,
        force,
        signal,
      });
    },
  };
}
