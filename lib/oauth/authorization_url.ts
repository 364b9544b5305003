/**
 * The page that an authorization request opens: its parameters in the open, signed (RFC 9101), or pushed (RFC 9126).
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import { successMembers, textMember } from "./_answer.ts";
import { endpointOf, postForm } from "./_endpoint.ts";
import { requestObject } from "./_request_object.ts";
import type { Client } from "./client.ts";
import type { Issuer } from "./issuer.ts";
import { repairAudience } from "./quirks.ts";
import type { SigningKey } from "./signing_key.ts";
import { formOf } from "./token_request.ts";

/** How the parameters of an authorization request travel. */
export interface Delivery {
  /** Push them to the server first (RFC 9126). Default: false; a server that requires it gets them pushed all the same. */
  readonly pushed?: boolean;
  /** Sign them with this key (RFC 9101). Default: not signed. */
  readonly requestObjectKey?: SigningKey;
  /** Ends the wait for the answer to a pushed request. */
  readonly signal?: AbortSignal;
}

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
  const { metadata } = issuer;
  const { requestObjectKey: key } = delivery;
  const url = new URL(endpointOf(issuer, client, "authorization_endpoint", "a sign-in with a browser"));
  if (metadata.require_signed_request_object === true && !key) {
    throw new TokenError("unsupported", "Cannot sign in: the server takes signed requests only (RFC 9101)", {
      nextStep: "Give it a requestObjectKey",
    });
  }
  repairAudience(parameters, issuer.quirks);
  const { clientId: client_id } = client;
  let sent = parameters;
  if (key) {
    // RFC 9101 section 5: only the client id stands beside the JWT
    const header = { typ: "oauth-authz-req+jwt" };
    sent = formOf({ client_id, request: await requestObject(issuer, client, sent, key, header) });
  }
  if (delivery.pushed || metadata.require_pushed_authorization_requests === true) {
    sent = formOf({ client_id, request_uri: await push(issuer, client, sent, delivery.signal) });
  }
  // the endpoint's own query stays (RFC 6749 section 3.1), but no parameter is there twice
  for (const name of new Set(sent.keys())) url.searchParams.delete(name);
  for (const [name, value] of sent) url.searchParams.append(name, value);
  return url.href;
}

/** RFC 9126 section 2: the parameters go to the server, a reference to them goes through the browser. */
async function push(
  issuer: Issuer,
  client: Client,
  parameters: URLSearchParams,
  signal?: AbortSignal,
): Promise<string> {
  const what = "a pushed authorization request";
  const endpoint = "pushed_authorization_request_endpoint";
  const answer = await postForm(issuer, client, { endpoint, what, parameters, signal });
  return textMember(successMembers(answer, issuer, what, 201), "request_uri");
}
