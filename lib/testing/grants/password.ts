/**
 * The password grant (RFC 6749 section 4.3).
 *
 * @module
 */

import { refusal } from "../answers.ts";
import { required, seconds } from "../call.ts";
import { isPublic, mayUse } from "../client_authentication.ts";
import type { TokenRequest } from "../endpoints/token.ts";
import type { JsonObject } from "../jwt.ts";
import { askedAudience, grantedScope } from "../targets.ts";
import { openGrant, tokenAnswer } from "../tokens.ts";

/** Issues tokens for a person's name and password. */
export async function password(request: TokenRequest): Promise<JsonObject> {
  const { call, client, parameters, binding } = request;
  const { state } = call;
  const username = required(parameters, "username");
  const secret = required(parameters, "password");
  const user = state.users.find((user) => user.username === username && user.password === secret);
  if (user === undefined) throw refusal("invalid_grant", "Invalid user credentials");
  const grant = openGrant(state, {
    clientId: client.clientId,
    subject: user.subject,
    scope: grantedScope(state, client, parameters.get("scope")),
    audience: askedAudience(state, parameters),
    authTime: seconds(state),
    ...(isPublic(client) && binding.jkt !== undefined ? { jkt: binding.jkt } : {}),
  });
  const refreshes = mayUse(client, "refresh_token");
  return await tokenAnswer(call, { grant, binding, ...(refreshes ? { refreshToken: "first" } : {}) });
}
