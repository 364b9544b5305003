/**
 * A source of tokens: a {@linkcode TokenCache} with a `fetch` that uses them.
 *
 * @module
 */

import { type Client, issuerFor } from "../oauth/client.ts";
import type { Issuer } from "../oauth/issuer.ts";
import { authorizedFetch } from "./authorized_fetch.ts";
import type { Grant } from "./grant.ts";
import { type AccessToken, type GetOptions, type TokenCache, tokenCache } from "./token_cache.ts";

export type { AccessToken, GetOptions, TokenCache };

/** Gives a token that is valid for at least as long as asked. Made by {@linkcode tokenSource}. */
export interface TokenSource extends TokenCache {
  /**
   * `fetch` with the token in the `Authorization` header. On a 401 it renews the token once and sends the request
   * again if its body can be sent twice. Follows redirects of GET and HEAD, without the token once the origin changes.
   *
   * @throws {TokenError} as `get`; `insecure_url` for a URL that is not `https`; `unsupported` when an exchange gave
   * something else than an access token (`N_A`, RFC 8693 section 2.2.1)
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
}

/**
 * A source of tokens for one client.
 *
 * @param issuer from `discover` or `issuerFromMetadata`
 * @param client who asks
 * @param grant how a token is got
 */
export function tokenSource(issuer: Issuer, client: Client, grant: Grant): TokenSource {
  const { http } = issuerFor(issuer, client);
  const source: TokenSource = {
    ...tokenCache(issuer, client, grant),
    fetch: (input, init) => authorizedFetch(source, http, input, init, client.dpop),
  };
  return source;
}
