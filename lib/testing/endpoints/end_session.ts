/**
 * RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0).
 *
 * @module
 */

import { page, redirect, refusal } from "../answers.ts";
import { type Call, withoutRepetition } from "../call.ts";
import { parseJwt } from "../jwt.ts";
import { revokeGrants } from "../refresh_tokens.ts";

/** Ends the session of the ID token and sends the person back where the client asked, if it may. */
export async function endSession(call: Call): Promise<Response> {
  const { state } = call;
  const parameters = withoutRepetition(call.request.parameters);
  const hint = parameters.get("id_token_hint");
  const jwt = hint === null ? undefined : parseJwt(hint);
  // An expired ID token is still a hint (section 4); a forged one is not.
  if (hint !== null && (jwt === undefined || !await state.keys.isOurs(jwt))) {
    throw refusal("invalid_request", "The id_token_hint is not an ID token of this server");
  }
  const hinted = jwt?.claims.aud;
  const clientId = parameters.get("client_id") ?? hinted;
  if (hinted !== undefined && clientId !== hinted) {
    throw refusal("invalid_request", "client_id is not the audience of id_token_hint");
  }
  const target = parameters.get("post_logout_redirect_uri");
  const client = typeof clientId === "string" ? state.clients.get(clientId) : undefined;
  if (target !== null && !(client?.postLogoutRedirectUris?.includes(target) ?? client !== undefined)) {
    throw refusal("invalid_request", "The post_logout_redirect_uri is not registered");
  }
  if (jwt !== undefined) revokeGrants(state, (grant) => grant.sid === jwt.claims.sid);
  if (target === null) return page("Signed out");
  const url = new URL(target);
  const given = parameters.get("state");
  if (given !== null) url.searchParams.set("state", given);
  return redirect(url.href);
}
