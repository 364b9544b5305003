/**
 * Revocation (RFC 7009).
 *
 * @module
 */

import { refusal } from "../answers.ts";
import { type Call, postedForm, required } from "../call.ts";
import { authenticateClient } from "../client_authentication.ts";

/** Ends a token: an access token alone, a refresh token with its whole family and their access tokens. */
export async function revocation(call: Call): Promise<Response> {
  const { state } = call;
  const parameters = postedForm(call);
  const { client } = await authenticateClient(call, parameters);
  const value = required(parameters, "token");
  const refresh = state.refreshTokens.get(value);
  const access = state.accessTokens.get(value);
  const owner = (refresh ?? access)?.grant.clientId;
  if (owner !== undefined && owner !== client.clientId) {
    throw refusal("invalid_grant", "The token was issued to another client");
  }
  if (refresh !== undefined) refresh.grant.revoked = true;
  if (access !== undefined) access.revoked = true;
  // An unknown token is as good as revoked (section 2.2).
  return new Response(null, { status: 200, headers: { "cache-control": "no-store" } });
}
