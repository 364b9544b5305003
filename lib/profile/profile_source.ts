/**
 * The tokens of a profile as a source for programs: shared with the command line, and never asking anybody.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { createHttp } from "../http/http.ts";
import type { Issuer } from "../oauth/issuer.ts";
import type { Grant, GrantRequest } from "../session/grant.ts";
import { type TokenSource, tokenSource } from "../session/token_source.ts";
import { transportOf } from "./connection.ts";
import type { Profile } from "./profile.ts";
import { profileToken, type ProfileTokenOptions } from "./profile_token.ts";
import { signedIn } from "./signed_in.ts";

/**
 * A source of a profile's tokens.
 *
 * @throws {TokenError} `storage` when the certificate authorities of the profile cannot be read; as `signedIn` for one
 * with a DPoP key
 */
export async function profileSource(host: Host, found: Profile): Promise<TokenSource> {
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
    obtain: async (request) => await profileToken(host, found, wishOf(request)),
  };
}

/**
 * What a source is asked for, in the words of a profile.
 *
 * @throws {TokenError} `invalid_argument` when it is for more than one API
 */
export function wishOf(request: GrantRequest): ProfileTokenOptions {
  const { scope, audience, resource, minValidity, force, signal } = request;
  const [only, ...more] = [resource ?? []].flat();
  if (more.length > 0 || (only !== undefined && audience !== undefined)) {
    throw new TokenError(
      "invalid_argument",
      "A profile's token is for one API: give one audience or one resource",
    );
  }
  return { scope, audience: audience ?? only, minValidity, force, signal };
}
