/**
 * The client credentials grant (RFC 6749 section 4.4).
 *
 * @module
 */

import { refusal } from "../answers.ts";
import { isPublic } from "../client_authentication.ts";
import type { TokenRequest } from "../endpoints/token.ts";
import type { JsonObject } from "../jwt.ts";
import { askedAudience, grantedScope } from "../targets.ts";
import { openGrant, tokenAnswer } from "../tokens.ts";

/** Issues an access token for the client itself. */
export async function clientCredentials(request: TokenRequest): Promise<JsonObject> {
  const { call, client, parameters, binding } = request;
  const { state } = call;
  if (isPublic(client)) throw refusal("unauthorized_client", "A public client has no credentials");
  const grant = openGrant(state, {
    clientId: client.clientId,
    subject: client.clientId,
    scope: grantedScope(state, client, parameters.get("scope")),
    audience: askedAudience(state, parameters),
  });
  return await tokenAnswer(call, { grant, binding });
}
