/**
 * Pushed authorization requests (RFC 9126).
 *
 * @module
 */

import { json, refusal } from "../answers.ts";
import { addressedRequest, checkedRequest, PUSHED } from "../authorization_request.ts";
import { randomText } from "../bytes.ts";
import { type Call, postedForm } from "../call.ts";
import { authenticateClient } from "../client_authentication.ts";
import { nonceHeader } from "../dpop.ts";
import { bindingOf } from "./token.ts";

/** How long a pushed request can be redeemed, in seconds. */
const LIFETIME = 90;

/** Keeps a request for its one redemption at the authorization endpoint. */
export async function pushedAuthorization(call: Call): Promise<Response> {
  const { state } = call;
  const outer = postedForm(call);
  const authenticated = await authenticateClient(call, outer);
  const { clientId } = authenticated.client;
  outer.set("client_id", clientId);
  // A pushed request does not need a proof, even of a client that must send one for tokens (RFC 9449 section 10.1).
  const { jkt } = await bindingOf(call, {
    ...authenticated,
    client: { ...authenticated.client, dpopBound: false },
  });
  const addressed = await addressedRequest(call, outer, true);
  const { parameters } = addressed;
  if (jkt !== undefined && (parameters.get("dpop_jkt") ?? jkt) !== jkt) {
    throw refusal("invalid_dpop_proof", "dpop_jkt is not the key of the proof");
  }
  if (jkt !== undefined) parameters.set("dpop_jkt", jkt);
  checkedRequest(call, addressed);
  for (const name of ["client_secret", "client_assertion", "client_assertion_type"]) parameters.delete(name);
  const uri = PUSHED + randomText();
  state.pushed.set(uri, { clientId, parameters, expiresAt: state.clock.now() + LIFETIME * 1000 });
  return json({ request_uri: uri, expires_in: LIFETIME }, {
    status: 201,
    headers: nonceHeader(state, "server"),
  });
}
