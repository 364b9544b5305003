/**
 * The backchannel authentication endpoint (CIBA Core section 7), poll mode.
 *
 * @module
 */

import { json, refusal } from "../answers.ts";
import { randomText } from "../bytes.ts";
import { type Call, postedForm, seconds } from "../call.ts";
import { isAuthentic } from "../client_assertion.ts";
import { authenticateClient, isPublic, mayUse } from "../client_authentication.ts";
import { CIBA } from "../grants/polled.ts";
import { parseJwt } from "../jwt.ts";
import type { TestClient } from "../options.ts";
import { askedAudience, grantedScope } from "../targets.ts";

const HINTS = ["login_hint", "login_hint_token", "id_token_hint"];

/** Asks a person, elsewhere, to sign in. */
export async function backchannelAuthentication(call: Call): Promise<Response> {
  const { state } = call;
  const outer = postedForm(call);
  const { client } = await authenticateClient(call, outer);
  if (isPublic(client)) throw refusal("unauthorized_client", "A public client cannot use CIBA");
  if (!mayUse(client, CIBA)) throw refusal("unauthorized_client", "The client may not use CIBA");
  const parameters = await withSignedRequest(call, client, outer);
  const scope = grantedScope(state, client, parameters.get("scope"));
  if (!scope.split(" ").includes("openid")) throw refusal("invalid_scope", "The scope must have openid");
  const subject = hintedSubject(call, parameters);
  const bindingMessage = parameters.get("binding_message");
  if (bindingMessage !== null && !/^[\w .:-]{1,40}$/.test(bindingMessage)) {
    throw refusal("invalid_binding_message", "The binding_message is too long, or has odd characters");
  }
  const lifetime = requestedLifetime(call, parameters.get("requested_expiry"));
  const code = randomText(32);
  state.pending.set(code, {
    code,
    clientId: client.clientId,
    subject,
    scope,
    audience: askedAudience(state, parameters),
    ...(bindingMessage === null ? {} : { bindingMessage }),
    expiresAt: state.clock.now() + lifetime * 1000,
    interval: state.settings.interval,
    used: false,
  });
  return json({ auth_req_id: code, expires_in: lifetime, interval: state.settings.interval });
}

/** A signed request stands for all parameters but those of client authentication (section 7.1.1). */
async function withSignedRequest(
  call: Call,
  client: TestClient,
  outer: URLSearchParams,
): Promise<URLSearchParams> {
  const object = outer.get("request");
  if (object === null) {
    if (client.requireSignedRequestObject) throw refusal("invalid_request", "The request must be signed");
    return outer;
  }
  const jwt = parseJwt(object);
  if (jwt === undefined || !await isAuthentic(jwt, client)) {
    throw refusal("invalid_request", "The request is not signed by the client");
  }
  const { iss, aud, exp, iat, nbf, jti, ...claims } = jwt.claims;
  const now = seconds(call.state);
  const isDated = typeof exp === "number" && exp > now && typeof iat === "number" && typeof nbf === "number";
  if (iss !== client.clientId || aud !== call.state.issuer || !isDated || typeof jti !== "string") {
    throw refusal("invalid_request", "The request has no good iss, aud, exp, iat, nbf and jti");
  }
  return new URLSearchParams(Object.entries(claims).map(([name, value]) => [name, String(value)]));
}

/** Whom the one hint of a request means (section 7.1). */
function hintedSubject(call: Call, parameters: URLSearchParams): string {
  const hints = HINTS.filter((name) => parameters.has(name));
  if (hints.length !== 1) throw refusal("invalid_request", "There must be exactly one hint");
  const hint = parameters.get(hints[0]) ?? "";
  const name = hints[0] === "login_hint" ? hint : parseJwt(hint)?.claims.sub;
  const user = call.state.users.find(({ subject, username, claims }) =>
    [subject, username, claims?.email].includes(name)
  );
  if (user === undefined) throw refusal("unknown_user_id", "Nobody is meant by the hint");
  return user.subject;
}

function requestedLifetime({ state }: Call, requested: string | null): number {
  if (requested === null) return state.settings.deviceCodeLifetime;
  if (!/^[1-9]\d*$/.test(requested)) {
    throw refusal("invalid_request", "requested_expiry is not a positive integer");
  }
  return Math.min(Number(requested), state.settings.deviceCodeLifetime);
}
