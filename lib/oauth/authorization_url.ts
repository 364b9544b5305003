/**
 * The page that an authorization request opens: its parameters in the open, signed (RFC 9101), or pushed (RFC 9126).
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import { checkUrl } from "../http/url.ts";
import { successMembers, textMember } from "./_answer.ts";
import { endpointOf, postForm } from "./_endpoint.ts";
import type { Client } from "./client.ts";
import type { Issuer } from "./issuer.ts";
import { type SigningKey, signJwt } from "./signing_key.ts";
import { formOf } from "./token_request.ts";

/** How the parameters of an authorization request travel. */
export interface Delivery {
  /** Push them to the server first (RFC 9126). Default: when the server requires it. */
  readonly pushed?: boolean;
  /** Sign them with this key (RFC 9101). Default: not signed. */
  readonly requestObjectKey?: SigningKey;
  readonly signal?: AbortSignal;
}

/** How long a signed request is good, in seconds. */
const LIFETIME = 300;

/**
 * The URL to open.
 *
 * @throws {TokenError} `unsupported` when the server requires a signed request and there is no key, or has no
 * endpoint for what was asked; as every request when the parameters are pushed
 */
export async function authorizationUrl(
  issuer: Issuer,
  client: Client,
  parameters: URLSearchParams,
  delivery: Delivery,
): Promise<string> {
  const { metadata, http } = issuer;
  const url = checkUrl(
    endpointOf(issuer, client, "authorization_endpoint", "a sign-in with a browser"),
    http,
  );
  if (metadata.require_signed_request_object === true && !delivery.requestObjectKey) {
    throw new TokenError("unsupported", "Cannot sign in: the server takes signed requests only (RFC 9101)", {
      nextStep: "Give the client a key for its requests",
    });
  }
  const signed = delivery.requestObjectKey
    ? await requestObject(issuer, client, parameters, delivery.requestObjectKey)
    : parameters;
  const pushed = delivery.pushed ?? metadata.require_pushed_authorization_requests === true;
  const sent = pushed ? await push(issuer, client, signed, delivery.signal) : signed;
  for (const [name, value] of sent) url.searchParams.append(name, value);
  return url.href;
}

/** RFC 9101 section 4: every parameter is a claim; only the client id stands beside the JWT. */
async function requestObject(
  issuer: Issuer,
  client: Client,
  parameters: URLSearchParams,
  key: SigningKey,
): Promise<URLSearchParams> {
  const claims: Record<string, unknown> = {};
  for (const name of new Set(parameters.keys())) {
    const values = parameters.getAll(name);
    claims[name] = values.length > 1 ? values : asClaim(name, values[0]);
  }
  const now = Math.floor(issuer.http.clock.now() / 1000);
  const request = await signJwt(key, { typ: "oauth-authz-req+jwt" }, {
    ...claims,
    iss: client.clientId,
    aud: issuer.issuer,
    iat: now,
    nbf: now,
    exp: now + LIFETIME,
    jti: crypto.randomUUID(),
  });
  return formOf({ client_id: client.clientId, request });
}

/** Numbers and JSON are claims of their own kind (RFC 9101 section 4, RFC 9396 section 3). */
function asClaim(name: string, value: string): unknown {
  if (name === "max_age") return Number(value);
  return name === "authorization_details" || name === "claims" ? JSON.parse(value) : value;
}

/** RFC 9126 section 2: the parameters go to the server, a reference to them goes through the browser. */
async function push(
  issuer: Issuer,
  client: Client,
  parameters: URLSearchParams,
  signal?: AbortSignal,
): Promise<URLSearchParams> {
  const what = "a pushed authorization request";
  const endpoint = "pushed_authorization_request_endpoint";
  const answer = await postForm(issuer, client, { endpoint, what, parameters, signal });
  const request_uri = textMember(successMembers(answer, issuer, what, 201), "request_uri");
  return formOf({ client_id: client.clientId, request_uri });
}
