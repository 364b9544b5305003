/**
 * Token revocation (RFC 7009).
 *
 * @module
 */

import { refusal } from "./_answer.ts";
import { postForm } from "./_endpoint.ts";
import { type Client, issuerFor } from "./client.ts";
import type { Issuer } from "./issuer.ts";
import { formOf, type RequestOptions } from "./token_request.ts";

/** Options of {@linkcode revokeToken} and {@linkcode introspectToken}. */
export interface TokenHintOptions extends RequestOptions {
  /** What kind of token it is, so that the server finds it sooner. */
  hint?: "access_token" | "refresh_token";
}

/**
 * Tells the server that a token is no longer needed. To revoke a refresh token ends the whole sign-in at most servers.
 * A token that the server does not know counts as revoked (RFC 7009 section 2.2).
 *
 * @throws {TokenError} `unavailable` when the server cannot do it now: the token is then still good (section 2.2.1);
 * `unsupported`, `server_refused`, `network`, `timeout`, `aborted`
 */
export async function revokeToken(
  issuer: Issuer,
  client: Client,
  token: string,
  { hint, signal }: TokenHintOptions = {},
): Promise<void> {
  const reached = issuerFor(issuer, client);
  const what = "the revocation";
  const parameters = formOf({ token, token_type_hint: hint });
  const answer = await postForm(reached, client, {
    endpoint: "revocation_endpoint",
    what,
    parameters,
    signal,
  });
  if (answer.status >= 400) throw refusal(answer, what, reached.http.clock);
  if (answer.status !== 200) reached.quirks.report("success-status");
}
