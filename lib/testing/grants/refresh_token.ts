/**
 * The refresh token grant (RFC 6749 section 6).
 *
 * @module
 */

import { refusal } from "../answers.ts";
import { required } from "../call.ts";
import type { TokenRequest } from "../endpoints/token.ts";
import type { JsonObject } from "../jwt.ts";
import { useRefreshToken } from "../refresh_tokens.ts";
import { laterAudience, narrowedScope } from "../targets.ts";
import { tokenAnswer } from "../tokens.ts";

/** Issues new tokens from a refresh token. */
export async function refreshToken(request: TokenRequest): Promise<JsonObject> {
  const { call, client, parameters, binding } = request;
  const { state } = call;
  let scope = "";
  let audience: readonly string[] = [];
  const presented = required(parameters, "refresh_token");
  const { grant, next } = useRefreshToken(state, presented, client.clientId, (grant) => {
    if (grant.jkt !== undefined && grant.jkt !== binding.jkt) {
      throw refusal("invalid_grant", "The refresh token is bound to another key");
    }
    scope = narrowedScope(grant.scope, parameters.get("scope"));
    audience = laterAudience(state, grant.audience, parameters);
  });
  return await tokenAnswer(call, {
    grant,
    binding,
    scope,
    audience,
    refreshToken: { value: next },
    nonce: false,
  });
}
