/**
 * Introspection (RFC 7662), also as a signed JWT (RFC 9701).
 *
 * @module
 */

import { json } from "../answers.ts";
import { type Call, postedForm, required, seconds } from "../call.ts";
import { authenticateClient, invalidClient, isPublic } from "../client_authentication.ts";
import type { JsonObject } from "../jwt.ts";
import type { State } from "../state.ts";
import { confirmation } from "../tokens.ts";

/** Says whether a token is good, and for what. */
export async function introspection(call: Call): Promise<Response> {
  const { state, request } = call;
  const parameters = postedForm(call);
  const { client } = await authenticateClient(call, parameters);
  if (isPublic(client)) throw invalidClient(call, "introspection needs a confidential client");
  const answer = introspected(state, required(parameters, "token"));
  const type = "application/token-introspection+jwt";
  if (!(request.headers.get("accept")?.includes(type) ?? false)) return json(answer);
  const claims = {
    iss: state.issuer,
    aud: client.clientId,
    iat: seconds(state),
    token_introspection: answer,
  };
  const signed = await state.keys.sign({ typ: "token-introspection+jwt" }, claims);
  return new Response(signed, { headers: { "content-type": type, "cache-control": "no-store" } });
}

function introspected(state: State, value: string): JsonObject {
  const now = state.clock.now();
  const access = state.accessTokens.get(value);
  const refresh = state.refreshTokens.get(value);
  const token = access ?? refresh;
  const isReplaced = refresh?.replacedAt !== undefined;
  if (token === undefined || token.grant.revoked || token.expiresAt <= now || access?.revoked || isReplaced) {
    return { active: false };
  }
  const { grant } = token;
  return {
    active: true,
    client_id: grant.clientId,
    sub: grant.subject,
    username: state.users.find(({ subject }) => subject === grant.subject)?.username,
    scope: access?.scope ?? grant.scope,
    exp: Math.floor(token.expiresAt / 1000),
    iss: state.settings.issuer,
    ...(access === undefined ? {} : {
      iat: Math.floor(access.issuedAt / 1000),
      aud: access.audience.length === 1 ? access.audience[0] : access.audience,
      token_type: access.jkt === undefined ? "Bearer" : "DPoP",
      ...confirmation(access),
    }),
  };
}
