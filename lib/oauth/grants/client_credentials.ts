/**
 * The client credentials grant (RFC 6749 section 4.4).
 *
 * @module
 */

import { withRetry } from "../../http/retry.ts";
import type { Client } from "../client.ts";
import type { Issuer } from "../issuer.ts";
import {
  formOf,
  narrowing,
  type RequestOptions,
  requestToken,
  type TokenParameters,
} from "../token_request.ts";
import type { TokenSet } from "../token_set.ts";

/** The grant type of this grant. */
const GRANT_TYPE = "client_credentials";

/**
 * A token for the client itself. It can be asked for again, so transient failures are retried.
 *
 * @throws {TokenError} `server_refused`, `invalid_response`, `unavailable`, `network`, `timeout`, `aborted`
 * @see RFC 6749 section 4.4
 */
export function clientCredentialsGrant(
  issuer: Issuer,
  client: Client,
  parameters: TokenParameters = {},
  options: RequestOptions = {},
): Promise<TokenSet> {
  return withRetry(
    issuer.http.clock,
    () =>
      requestToken(issuer, client, {
        grantType: GRANT_TYPE,
        parameters: formOf(narrowing(parameters)),
        ...options,
      }),
    options,
  );
}
