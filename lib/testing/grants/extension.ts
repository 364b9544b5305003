/**
 * Extension grants (RFC 6749 section 4.5), as the test defines them.
 *
 * @module
 */

import { refusal } from "../answers.ts";
import type { TokenRequest } from "../endpoints/token.ts";
import type { JsonObject } from "../jwt.ts";
import { askedAudience, grantedScope } from "../targets.ts";
import { openGrant, tokenAnswer } from "../tokens.ts";

/** Issues what the test's function for this `grant_type` says. */
export async function extension(request: TokenRequest): Promise<JsonObject> {
  const { call, client, parameters, grantType, binding } = request;
  const { state } = call;
  const result = state.settings.extensionGrants[grantType](parameters);
  if ("error" in result) throw refusal(result.error, result.description ?? "");
  const grant = openGrant(state, {
    clientId: client.clientId,
    subject: result.subject,
    scope: result.scope ?? grantedScope(state, client, parameters.get("scope")),
    audience: askedAudience(state, parameters),
  });
  return await tokenAnswer(call, { grant, binding });
}
