/**
 * A request to the token endpoint (RFC 6749 section 3.2): the one path that every grant takes.
 *
 * It does without the protocol library, so that a program that only wants client credentials does not carry the
 * validation of ID tokens with it. A grant whose answer may hold one passes that in: `validateIdToken`.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import { successMembers } from "./_answer.ts";
import { postForm } from "./_endpoint.ts";
import { type Client, issuerFor } from "./client.ts";
import type { Issuer } from "./issuer.ts";
import { type Members, repairTokenAnswer } from "./quirks.ts";
import { type IdTokenClaims, type TokenSet, tokenSetOf } from "./token_set.ts";

/** What a token may be narrowed to; every grant takes these. */
export interface TokenParameters {
  /** Scopes, separated by blanks (RFC 6749 section 3.3). Default: none is sent; the server decides. */
  scope?: string;
  /** The API that the token is for, where the server knows the `audience` parameter (INDIGO IAM, Auth0). */
  audience?: string;
  /** The API that the token is for, as an absolute URI without fragment, or several (RFC 8707 section 2). */
  resource?: string | readonly string[];
  /** What the token may do in detail (RFC 9396 section 2). */
  authorizationDetails?: readonly AuthorizationDetail[];
  /** Anything else that the server asks for. It does not replace a parameter that the grant sets. */
  extra?: Readonly<Record<string, string>>;
}

/** One thing that a token may do (RFC 9396 section 2). */
export interface AuthorizationDetail {
  readonly type: string;
  readonly [member: string]: unknown;
}

/** How to wait for a token. */
export interface RequestOptions {
  /** Ends the wait. */
  signal?: AbortSignal;
}

/** A token request in the making. */
export interface TokenRequest extends RequestOptions {
  readonly grantType: string;
  readonly parameters: URLSearchParams;
  /** How long the exchange may take, in milliseconds. Default: that of the issuer. */
  readonly timeout?: number;
  /** What was asked for, where the parameters do not say. */
  readonly scope?: string;
  /** Validates the ID token of an answer. Without it an ID token is dropped: what nobody checked, nobody gets. */
  readonly validate?: (issuer: Issuer, client: Client, answer: Members) => Promise<IdTokenClaims | undefined>;
}

/**
 * The form parameters of {@linkcode TokenParameters}.
 *
 * @throws {TokenError} `invalid_argument` when a resource is no absolute URI or has a fragment
 */
export function narrowing(
  parameters: TokenParameters,
): Record<string, string | readonly string[] | undefined> {
  const { scope, audience, resource, authorizationDetails, extra } = parameters;
  for (const uri of [resource ?? []].flat()) {
    if (URL.canParse(uri) && !uri.includes("#")) continue;
    throw new TokenError(
      "invalid_argument",
      "Cannot use a resource that is no absolute URI, or has a fragment (RFC 8707 section 2)",
    );
  }
  const details = authorizationDetails && JSON.stringify(authorizationDetails);
  return { ...extra, scope, audience, resource, authorization_details: details };
}

/** The grant type of a token exchange, the only one whose answer may be no access token (RFC 8693 section 2.2.1). */
export const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";

/** Form parameters from those that are there; an array repeats its parameter. */
export function formOf(parameters: Record<string, string | readonly string[] | undefined>): URLSearchParams {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of [value].flat()) if (one !== undefined) form.append(name, one);
  }
  return form;
}

/**
 * Sends a token request and validates the answer.
 *
 * @throws {TokenError} `server_refused` with the server's `error`; `invalid_response`, `invalid_metadata`,
 * `unavailable`, `network`, `timeout`, `aborted`
 */
export async function requestToken(issuer: Issuer, client: Client, request: TokenRequest): Promise<TokenSet> {
  const reached = issuerFor(issuer, client);
  const { clock } = reached.http;
  const sentAt = clock.now();
  const { grantType, signal, timeout } = request;
  const parameters = new URLSearchParams(request.parameters);
  parameters.set("grant_type", grantType);
  const what = "the token request";
  const sent = await postForm(reached, client, {
    endpoint: "token_endpoint",
    what,
    parameters,
    signal,
    timeout,
  });
  const answer = repairTokenAnswer(successMembers(sent, reached, what), reached.quirks);
  const scope = request.parameters.get("scope") ?? request.scope;
  if (!request.validate) delete answer.id_token;
  const tokens = tokenSetOf(answer, sentAt, scope);
  checkBinding(client, tokens, grantType);
  const claims = await request.validate?.(reached, client, answer);
  return claims ? { ...tokens, claims } : tokens;
}

/** A token of another kind than the client asked for is of no use, or worse: of use to a thief (RFC 9449 section 5). */
function checkBinding(client: Client, { tokenType }: TokenSet, grantType: string): void {
  if (tokenType === "N_A") {
    if (grantType === TOKEN_EXCHANGE) return;
    throw new TokenError(
      "invalid_response",
      "Cannot use the server's token: its type says that it is no access token",
    );
  }
  if ((tokenType === "DPoP") === (client.dpop !== undefined)) return;
  const problem = client.dpop
    ? "it is not bound to the DPoP key"
    : "it is bound to a key that nobody here has";
  throw new TokenError("invalid_response", `Cannot use the server's token: ${problem}`);
}
