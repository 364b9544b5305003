/**
 * Client assertions: `client_secret_jwt` and `private_key_jwt` (RFC 7523 section 2.2).
 *
 * @module
 */

import { type Call, seconds } from "./call.ts";
import { isMadeWith, isSignedBy, type Jwt, parseJwt } from "./jwt.ts";
import type { TestClient } from "./options.ts";

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const TYPES = [undefined, "JWT", "client-authentication+jwt"];
/** How long an assertion may be good for, in seconds. */
const LONGEST_LIFE = 600;
/** How far the client's clock may be ahead, in seconds. */
const TOLERANCE = 60;

/**
 * Checks the assertion of a client that is already known by its `sub`.
 *
 * @param refuse makes the refusal, with the reason
 * @throws a refusal
 */
export async function checkClientAssertion(
  call: Call,
  client: TestClient,
  parameters: URLSearchParams,
  refuse: (reason: string) => Response,
): Promise<void> {
  const { state } = call;
  if (parameters.get("client_assertion_type") !== ASSERTION_TYPE) throw refuse("wrong client_assertion_type");
  const jwt = parseJwt(parameters.get("client_assertion") ?? "");
  if (jwt === undefined) throw refuse("the assertion is not a JWT");
  const { header, claims } = jwt;
  if (client.federated !== undefined && claims.iss === client.federated.issuer) {
    if (!await isFederated(call, jwt, client.federated)) throw refuse("the federated assertion is not good");
    return;
  }
  if (!TYPES.includes(header.typ as string | undefined)) throw refuse("wrong typ");
  if (header.crit !== undefined) throw refuse("unknown crit");
  if (claims.iss !== client.clientId || claims.sub !== client.clientId) {
    throw refuse("iss and sub must be client_id");
  }
  if (!isAudience(call, claims.aud)) throw refuse("wrong aud");
  const now = seconds(state);
  if (typeof claims.exp !== "number" || claims.exp <= now) throw refuse("expired, or no exp");
  if (claims.exp > now + LONGEST_LIFE) throw refuse("exp is too far away");
  if (typeof claims.iat === "number" && claims.iat > now + TOLERANCE) throw refuse("iat is in the future");
  if (typeof claims.nbf === "number" && claims.nbf > now + TOLERANCE) throw refuse("nbf is in the future");
  if (typeof claims.jti !== "string" || claims.jti === "") throw refuse("no jti");
  if (!await isAuthentic(jwt, client)) throw refuse("wrong signature");
  const use = `assertion ${client.clientId} ${claims.jti}`;
  if (state.seen.has(use)) throw refuse("the assertion was used before");
  state.seen.add(use);
}

/** Whether `jwt` was signed by `client`, with the key that `kid` names where it names one. */
export async function isAuthentic(jwt: Jwt, client: TestClient): Promise<boolean> {
  if (client.secret !== undefined && await isMadeWith(jwt, client.secret)) return true;
  const keys = client.jwks?.keys ?? [];
  const named = keys.filter((key) => key.kid === undefined || key.kid === (jwt.header.kid ?? key.kid));
  for (const key of named) if (await isSignedBy(jwt, key)) return true;
  return false;
}

/** Whether `jwt` is a trusted issuer's word for the workload; it may come again until it expires. */
async function isFederated(
  call: Call,
  jwt: Jwt,
  wanted: NonNullable<TestClient["federated"]>,
): Promise<boolean> {
  const { state } = call;
  const { aud, sub, exp } = jwt.claims;
  const audiences = Array.isArray(aud) ? aud : [aud];
  if (sub !== wanted.subject || !audiences.includes(wanted.audience ?? state.issuer)) return false;
  if (typeof exp !== "number" || exp <= seconds(state)) return false;
  const trusted = state.settings.trustedIssuers.find(({ issuer }) => issuer === wanted.issuer);
  for (const key of trusted?.jwks.keys ?? []) if (await isSignedBy(jwt, key)) return true;
  return false;
}

/** The audience must be one string; which one depends on the server (RFC 7523bis, CVE-2025-27370). */
function isAudience({ state }: Call, aud: unknown): boolean {
  const { assertionAudience } = state.settings;
  const tokenEndpoint = state.endpoints.urls.token;
  const good = [
    ...(assertionAudience === "token-endpoint" ? [] : [state.issuer]),
    ...(assertionAudience === "issuer" ? [] : [tokenEndpoint, state.endpoints.mtlsAlias(tokenEndpoint)]),
  ];
  return typeof aud === "string" && good.includes(aud);
}
