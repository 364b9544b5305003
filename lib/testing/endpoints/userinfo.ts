/**
 * The userinfo endpoint (OpenID Connect Core section 5.3).
 *
 * @module
 */

import { json, refusal } from "../answers.ts";
import { checkAccessToken } from "../bearer.ts";
import type { Call } from "../call.ts";
import { nonceHeader } from "../dpop.ts";

/** Says who signed in: in JSON, or signed for clients that are registered so. */
export async function userinfo(call: Call): Promise<Response> {
  const { state, request } = call;
  if (!["GET", "POST"].includes(request.method)) {
    throw refusal("invalid_request", "Only GET and POST", { status: 405, headers: { allow: "GET, POST" } });
  }
  const { grant } = await checkAccessToken(call, { where: "server", scope: "openid" });
  const user = state.users.find(({ subject }) => subject === grant.subject);
  const claims = { ...user?.claims, sub: grant.subject };
  const headers = nonceHeader(state, "server");
  const wantsJwt = request.headers.get("accept")?.includes("application/jwt") ?? false;
  if (!wantsJwt && !state.clients.get(grant.clientId)?.signedUserinfo) return json(claims, { headers });
  const signed = await state.keys.sign({}, { iss: state.issuer, aud: grant.clientId, ...claims });
  return new Response(signed, { headers: { "content-type": "application/jwt", ...headers } });
}
