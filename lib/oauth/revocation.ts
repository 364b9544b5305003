/**
 * Token revocation (RFC 7009).
 *
 * @module
 */

import { postForm } from "./_endpoint.ts";
import type { Client } from "./client.ts";
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
  const { status } = await postForm(issuer, client, {
    endpoint: "revocation_endpoint",
    what: "the revocation",
    parameters: formOf({ token, token_type_hint: hint }),
    signal,
  });
  if (status !== 200) issuer.quirks.report("success-status");
}
