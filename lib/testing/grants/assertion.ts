/**
 * The assertion grants: JWT bearer (RFC 7523 section 2.1) and SAML bearer (RFC 7522 section 2.1).
 *
 * @module
 */

import { refusal } from "../answers.ts";
import { fromBase64url } from "../bytes.ts";
import { type Call, required, seconds } from "../call.ts";
import { isAuthentic } from "../client_assertion.ts";
import type { TokenRequest } from "../endpoints/token.ts";
import { isSignedBy, type JsonObject, type Jwt, parseJwt } from "../jwt.ts";
import type { TestClient } from "../options.ts";
import { askedAudience, grantedScope } from "../targets.ts";
import { openGrant, tokenAnswer } from "../tokens.ts";

/** The `grant_type` of JWT bearer. */
export const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/** The `grant_type` of SAML bearer. */
export const SAML_BEARER = "urn:ietf:params:oauth:grant-type:saml2-bearer";

/** Issues an access token for the subject of an assertion; no refresh token (RFC 7521 section 4.1). */
export async function assertion(request: TokenRequest): Promise<JsonObject> {
  const { call, client, parameters, grantType, binding } = request;
  const { state } = call;
  const given = required(parameters, "assertion");
  const subject = grantType === SAML_BEARER
    ? samlSubject(call, given)
    : await jwtSubject(call, client, given);
  const grant = openGrant(state, {
    clientId: client.clientId,
    subject,
    scope: grantedScope(state, client, parameters.get("scope")),
    audience: askedAudience(state, parameters),
  });
  return await tokenAnswer(call, { grant, binding });
}

/** The claims of a JWT that the server believes: its own, a trusted issuer's, or one of the client. */
export async function believedClaims(
  call: Call,
  client: TestClient,
  jwt: Jwt,
): Promise<JsonObject | undefined> {
  const { state } = call;
  const { iss, exp } = jwt.claims;
  if (typeof exp === "number" && exp <= seconds(state)) return undefined;
  if (iss === state.issuer || iss === state.settings.issuer) {
    return await state.keys.isOurs(jwt) ? jwt.claims : undefined;
  }
  if (iss === client.clientId) return await isAuthentic(jwt, client) ? jwt.claims : undefined;
  const trusted = state.settings.trustedIssuers.find(({ issuer }) => issuer === iss);
  for (const key of trusted?.jwks.keys ?? []) if (await isSignedBy(jwt, key)) return jwt.claims;
  return undefined;
}

async function jwtSubject(call: Call, client: TestClient, given: string): Promise<string> {
  const jwt = parseJwt(given);
  if (jwt === undefined) throw invalid("The assertion is not a JWT");
  const claims = await believedClaims(call, client, jwt);
  if (claims === undefined) throw invalid("The assertion has expired, or nobody trusted signed it");
  if (typeof claims.exp !== "number") throw invalid("The assertion has no exp");
  if (typeof claims.sub !== "string") throw invalid("The assertion has no sub");
  const audiences = Array.isArray(claims.aud) ? claims.aud : [claims.aud];
  if (!audiences.some((aud) => isForUs(call, aud))) throw invalid("The assertion is for another audience");
  return claims.sub;
}

/**
 * Reads what RFC 7522 section 3 needs. The XML signature is not checked: that takes a library that tests of a client
 * have no use for.
 */
function samlSubject(call: Call, given: string): string {
  const bytes = fromBase64url(given);
  const xml = bytes === undefined ? "" : new TextDecoder().decode(bytes);
  const text = (element: string): string | undefined =>
    new RegExp(`<(?:\\w+:)?${element}\\b[^>]*>\\s*([^<]+?)\\s*</`).exec(xml)?.[1];
  if (!/<(?:\w+:)?Assertion\b/.test(xml)) throw invalid("The assertion is not a SAML assertion in base64url");
  const subject = text("NameID");
  if (text("Issuer") === undefined || subject === undefined) throw invalid("Issuer or NameID is missing");
  if (!isForUs(call, text("Audience"))) throw invalid("The assertion is for another audience");
  const end = /\bNotOnOrAfter="([^"]+)"/.exec(xml)?.[1];
  if (end === undefined || Date.parse(end) <= call.state.clock.now()) {
    throw invalid("The assertion has expired");
  }
  return subject;
}

function isForUs({ state }: Call, audience: unknown): boolean {
  return [state.issuer, state.settings.issuer, state.endpoints.urls.token].includes(String(audience));
}

function invalid(description: string): Response {
  return refusal("invalid_grant", description);
}
