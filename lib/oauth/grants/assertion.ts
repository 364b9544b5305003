/**
 * Assertions as grants: JWT bearer (RFC 7523 section 2.1) and SAML bearer (RFC 7522 section 2.1).
 *
 * @module
 */

import { TokenError } from "../../errors.ts";
import { toBase64Url, utf8 } from "../_encodings.ts";
import type { Client } from "../client.ts";
import { idTokenValidation } from "../id_token.ts";
import type { Issuer } from "../issuer.ts";
import { isJwt } from "../jwt.ts";
import { type SigningKey, signJwt } from "../signing_key.ts";
import {
  formOf,
  narrowing,
  type RequestOptions,
  requestToken,
  type TokenParameters,
} from "../token_request.ts";
import type { TokenSet } from "../token_set.ts";

/** What an assertion grant sends. */
export interface AssertionParameters extends TokenParameters {
  /** The assertion: one JWT, or a SAML 2.0 assertion as XML. */
  assertion: string;
}

/**
 * A token for a JWT that somebody signed.
 *
 * @throws {TokenError} `invalid_argument` when the assertion is no JWT, and as every token request
 * @see RFC 7523 section 2.1
 */
export async function jwtBearerGrant(
  issuer: Issuer,
  client: Client,
  parameters: AssertionParameters,
  options: RequestOptions = {},
): Promise<TokenSet> {
  if (!isJwt(parameters.assertion)) {
    throw new TokenError("invalid_argument", "Cannot use the assertion: it is not a JWT");
  }
  const grantType = "urn:ietf:params:oauth:grant-type:jwt-bearer";
  return await redeem(issuer, client, grantType, parameters.assertion, parameters, options);
}

/**
 * A token for a SAML 2.0 assertion, given as XML.
 *
 * @throws {TokenError} as every token request
 * @see RFC 7522 section 2.1
 */
export async function samlBearerGrant(
  issuer: Issuer,
  client: Client,
  parameters: AssertionParameters,
  options: RequestOptions = {},
): Promise<TokenSet> {
  const grantType = "urn:ietf:params:oauth:grant-type:saml2-bearer";
  const assertion = toBase64Url(utf8(parameters.assertion));
  return await redeem(issuer, client, grantType, assertion, parameters, options);
}

function redeem(
  issuer: Issuer,
  client: Client,
  grantType: string,
  assertion: string,
  parameters: TokenParameters,
  options: RequestOptions,
): Promise<TokenSet> {
  return requestToken(issuer, client, {
    grantType,
    parameters: formOf({ ...narrowing(parameters), assertion }),
    validate: idTokenValidation(),
    ...options,
  });
}

/** What a signed assertion says. */
export interface AssertionClaims {
  /** Who made it. */
  issuer: string;
  /** Whom it is about. */
  subject: string;
  /** Who may use it: the authorization server's issuer identifier. */
  audience: string;
  /** How long it is good, in seconds. Default: 60. */
  lifetime?: number;
  /** The time, in epoch seconds. Default: now. */
  now?: number;
  /** Claims beyond those of RFC 7523 section 3. */
  claims?: Readonly<Record<string, unknown>>;
}

/**
 * Signs an assertion for {@linkcode jwtBearerGrant}.
 *
 * @see RFC 7523 section 3
 */
export function signAssertion(key: SigningKey, assertion: AssertionClaims): Promise<string> {
  const { issuer, subject, audience, lifetime = 60, now = Math.floor(Date.now() / 1000), claims } = assertion;
  return signJwt(key, { typ: "JWT" }, {
    ...claims,
    iss: issuer,
    sub: subject,
    aud: audience,
    jti: crypto.randomUUID(),
    iat: now,
    exp: now + lifetime,
  });
}
