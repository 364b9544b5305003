/**
 * Authorization requests as they come: plain, as a signed request object (RFC 9101), or pushed before (RFC 9126).
 *
 * @module
 */

import { refusal } from "./answers.ts";
import { type Call, required, seconds, withoutRepetition } from "./call.ts";
import { isAuthentic } from "./client_assertion.ts";
import { mayUse } from "./client_authentication.ts";
import { isObject, parseJwt } from "./jwt.ts";
import type { TestClient } from "./options.ts";
import type { AuthorizationRequest } from "./state.ts";
import { askedAudience, grantedScope } from "./targets.ts";

/** The beginning of a pushed request's URI. */
export const PUSHED = "urn:ietf:params:oauth:request_uri:";

/** A request with its client and its address known: from here on errors go to the address. */
export interface AddressedRequest {
  readonly client: TestClient;
  readonly parameters: URLSearchParams;
  readonly redirectUri: string;
}

/**
 * Finds out who asks for what and where the answer goes.
 *
 * @param outer the parameters as they came
 * @param isPush whether they came to the PAR endpoint
 * @throws a refusal, that only the person sees
 */
export async function addressedRequest(
  call: Call,
  outer: URLSearchParams,
  isPush: boolean,
): Promise<AddressedRequest> {
  const { state } = call;
  const clientId = required(outer, "client_id");
  const client = state.clients.get(clientId);
  if (client === undefined) throw refusal("invalid_client", "There is no such client", { status: 401 });
  const uri = outer.get("request_uri");
  const pushed = uri === null ? undefined : redeemed(call, uri, clientId, isPush);
  if (pushed === undefined && !isPush) {
    if (state.settings.requirePushedAuthorization || client.requirePushedAuthorization) {
      throw refusal("invalid_request", "Authorization requests must be pushed");
    }
  }
  const parameters = pushed ?? await withRequestObject(call, client, outer);
  const redirectUri = redirectTarget(client, parameters.get("redirect_uri"));
  return { client, parameters, redirectUri };
}

/**
 * Checks the rest of a request.
 *
 * @throws a refusal, for the redirect URI
 */
export function checkedRequest(call: Call, request: AddressedRequest): AuthorizationRequest {
  const { state } = call;
  const { client, parameters, redirectUri } = request;
  if (required(parameters, "response_type") !== "code") {
    throw refusal("unsupported_response_type", "There is only response_type code");
  }
  if (!mayUse(client, "authorization_code")) {
    throw refusal("unauthorized_client", "The client may not use this grant");
  }
  if (![null, "query", "jwt", "query.jwt"].includes(parameters.get("response_mode"))) {
    throw refusal("invalid_request", "There is no such response_mode here");
  }
  checkedChallenge(parameters, state.settings.requirePkce);
  const jkt = parameters.get("dpop_jkt");
  const details = authorizationDetails(parameters.get("authorization_details"));
  return {
    clientId: client.clientId,
    parameters,
    redirectUri,
    redirectUriGiven: parameters.has("redirect_uri"),
    scope: grantedScope(state, client, parameters.get("scope")),
    audience: askedAudience(state, parameters),
    ...(jkt === null ? {} : { jkt }),
    ...(details === undefined ? {} : { details }),
  };
}

/**
 * The S256 challenge of a request (RFC 7636 section 4.3).
 *
 * @throws a refusal: `invalid_request` when it is missing though required, or is not S256
 */
export function checkedChallenge(parameters: URLSearchParams, isRequired: boolean): string | null {
  const challenge = parameters.get("code_challenge");
  const method = parameters.get("code_challenge_method");
  if (challenge === null) {
    if (isRequired) throw refusal("invalid_request", "PKCE is required: code_challenge is missing");
    return null;
  }
  if (method !== "S256") throw refusal("invalid_request", "code_challenge_method must be S256");
  if (!/^[\w-]{43}$/.test(challenge)) throw refusal("invalid_request", "code_challenge is not a SHA-256");
  return challenge;
}

function redeemed(call: Call, uri: string, clientId: string, isPush: boolean): URLSearchParams {
  const { state } = call;
  if (isPush) throw refusal("invalid_request", "request_uri cannot be pushed");
  const pushed = state.pushed.get(uri);
  state.pushed.delete(uri);
  if (pushed === undefined || pushed.clientId !== clientId || pushed.expiresAt <= state.clock.now()) {
    throw refusal("invalid_request_uri", "The request_uri is unknown, used or expired");
  }
  return pushed.parameters;
}

/** The parameters of a signed request object count alone (RFC 9101 section 5). */
async function withRequestObject(
  call: Call,
  client: TestClient,
  outer: URLSearchParams,
): Promise<URLSearchParams> {
  const object = outer.get("request");
  if (object === null) {
    if (client.requireSignedRequestObject) throw refusal("invalid_request", "The request must be signed");
    return outer;
  }
  const { state } = call;
  const invalid = (description: string) => refusal("invalid_request_object", description);
  const jwt = parseJwt(object);
  if (jwt === undefined || !await isAuthentic(jwt, client)) {
    throw invalid("The request object is not signed by it");
  }
  if (![undefined, "JWT", "oauth-authz-req+jwt"].includes(jwt.header.typ as string | undefined)) {
    throw invalid("The typ is wrong");
  }
  const { iss, aud, exp, nbf, iat: _iat, jti: _jti, ...claims } = jwt.claims;
  const audiences = Array.isArray(aud) ? aud : [aud];
  if (iss !== client.clientId || !audiences.includes(state.issuer)) throw invalid("iss or aud is wrong");
  const now = seconds(state);
  if ((typeof exp === "number" && exp <= now) || (typeof nbf === "number" && nbf > now + 60)) {
    throw invalid("The request object is not valid now");
  }
  if (claims.client_id !== client.clientId || "request" in claims || "request_uri" in claims) {
    throw invalid("client_id is wrong, or there is a request within");
  }
  return withoutRepetition(new URLSearchParams(Object.entries(claims).flatMap(asParameters)));
}

function asParameters([name, value]: [string, unknown]): [string, string][] {
  if (name === "resource" && Array.isArray(value)) return value.map((item) => [name, String(item)]);
  return [[name, isObject(value) || Array.isArray(value) ? JSON.stringify(value) : String(value)]];
}

/** Where the answer goes: a registered address; a loopback one on any port (RFC 8252 section 7.3). */
function redirectTarget(client: TestClient, asked: string | null): string {
  const registered = client.redirectUris;
  if (asked === null) {
    if (registered?.length !== 1) throw refusal("invalid_request", "The parameter redirect_uri is missing");
    return registered[0];
  }
  const isKnown = registered === undefined ||
    registered.some((uri) => uri === asked || isSameLoopback(uri, asked));
  if (!isKnown || !URL.canParse(asked) || asked.includes("#")) {
    throw refusal("invalid_request", "The redirect_uri is not registered");
  }
  return asked;
}

function isSameLoopback(registered: string, asked: string): boolean {
  if (!/^http:\/\/(127\.0\.0\.1|\[::1\])([:/]|$)/.test(registered) || !URL.canParse(asked)) return false;
  const [known, given] = [new URL(registered), new URL(asked)];
  known.port = given.port;
  return known.href === given.href;
}

function authorizationDetails(text: string | null): unknown {
  if (text === null) return undefined;
  let details: unknown;
  try {
    details = JSON.parse(text);
  } catch {
    details = undefined;
  }
  const isWellFormed = Array.isArray(details) &&
    details.every((entry) => isObject(entry) && typeof entry.type === "string");
  if (!isWellFormed) {
    throw refusal("invalid_authorization_details", "authorization_details must be objects with a type");
  }
  return details;
}
