/**
 * Client authentication by a signed statement (RFC 7523 section 2.2, OpenID Connect Core 1.0 section 9).
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import {
  type AuthenticatedRequest,
  type ClientAuthentication,
  reveal,
  type SecretSource,
} from "./client_authentication.ts";
import { isJwt } from "./jwt.ts";
import { secretKey, type SigningKey, signJwt } from "./signing_key.ts";

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/** How long an assertion is good, in seconds: long enough for a clock that is slow, too short to be of use later. */
const LIFETIME = 60;

/**
 * `private_key_jwt`: a JWT signed with the client's private key, made out to the issuer alone.
 *
 * @see RFC 7523 section 3, OpenID Connect Core 1.0 section 9; draft-ietf-oauth-rfc7523bis for the audience and `typ`
 */
export function privateKeyJwt(key: SigningKey): ClientAuthentication {
  return { method: "private_key_jwt", apply: (request) => put(request, key) };
}

/**
 * `client_secret_jwt`: a JWT signed with the client secret.
 *
 * @param secret at least as long as the hash: 32 bytes for HS256 (RFC 7518 section 3.2)
 * @param algorithm default: HS256
 * @see OpenID Connect Core 1.0 section 9
 */
export function clientSecretJwt(
  secret: SecretSource,
  algorithm: "HS256" | "HS384" | "HS512" = "HS256",
): ClientAuthentication {
  return {
    method: "client_secret_jwt",
    apply: async (request) => await put(request, await secretKey(await reveal(secret), algorithm)),
  };
}

/**
 * A JWT that somebody else signed: the identity that GitHub Actions, Kubernetes or a cloud gives to a workload.
 *
 * ```ts ignore
 * // in a job of GitHub Actions with the permission `id-token: write`
 * const authentication = federatedAssertion(async () => {
 *   const url = `${env.ACTIONS_ID_TOKEN_REQUEST_URL}&audience=${encodeURIComponent(issuer.issuer)}`;
 *   const headers = { authorization: `Bearer ${env.ACTIONS_ID_TOKEN_REQUEST_TOKEN}` };
 *   return (await (await fetch(url, { headers })).json()).value;
 * });
 * ```
 *
 * @param assertion gives it; asked at each use, since such tokens are renewed by whoever made them
 * @see RFC 7523 section 2.2, RFC 7521 section 4.2
 */
export function federatedAssertion(assertion: () => string | Promise<string>): ClientAuthentication {
  return {
    method: "private_key_jwt",
    apply: async ({ parameters, clientId }) => {
      const jwt = (await assertion()).trim();
      if (!isJwt(jwt)) {
        throw new TokenError("invalid_argument", "Cannot use the client assertion: it is not a JWT");
      }
      fill(parameters, clientId, jwt);
    },
  };
}

async function put(request: AuthenticatedRequest, key: SigningKey): Promise<void> {
  const { clientId, issuer, tokenEndpoint, quirks, now, parameters } = request;
  const toEndpoint = quirks.enabled.includes("assertion-audience-token-endpoint");
  if (toEndpoint) quirks.report("assertion-audience-token-endpoint");
  const claims = {
    iss: clientId,
    sub: clientId,
    aud: toEndpoint ? tokenEndpoint : issuer,
    jti: crypto.randomUUID(),
    iat: now,
    exp: now + LIFETIME,
  };
  fill(parameters, clientId, await signJwt(key, { typ: "client-authentication+jwt" }, claims));
}

function fill(parameters: URLSearchParams, clientId: string, jwt: string): void {
  parameters.set("client_id", clientId);
  parameters.set("client_assertion_type", ASSERTION_TYPE);
  parameters.set("client_assertion", jwt);
}
