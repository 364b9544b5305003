/**
 * A request to the token endpoint (RFC 6749 section 3.2): the one path that every grant takes.
 *
 * It does without the protocol library, so that a program that only wants client credentials does not carry the
 * validation of ID tokens with it. A grant whose answer may hold one passes that in: `validateIdToken`.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import { exchange } from "../http/http.ts";
import { successMembers } from "./_answer.ts";
import { authenticationOf, type Client, issuerFor } from "./client.ts";
import type { Issuer } from "./issuer.ts";
import { type Members, repairTokenAnswer } from "./quirks.ts";
import { type IdTokenClaims, type TokenSet, tokenSetOf } from "./token_set.ts";

/** What a token may be narrowed to; every grant takes these. */
export interface TokenParameters {
  /** Scopes, separated by blanks (RFC 6749 section 3.3). Default: none is sent; the server decides. */
  scope?: string;
  /** The API that the token is for, where the server knows the `audience` parameter (INDIGO IAM, Auth0). */
  audience?: string;
  /** The API that the token is for, as a URI or several (RFC 8707). */
  resource?: string | readonly string[];
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
  /** What was asked for, where the parameters do not say. */
  readonly scope?: string;
  /** Validates the ID token of an answer. Without it an ID token is dropped: what nobody checked, nobody gets. */
  readonly validate?: (issuer: Issuer, client: Client, answer: Members) => Promise<IdTokenClaims | undefined>;
}

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
  const answer = repairTokenAnswer(await send(reached, client, request), reached.quirks);
  const scope = request.parameters.get("scope") ?? request.scope;
  if (!request.validate) delete answer.id_token;
  const tokens = tokenSetOf(answer, sentAt, scope);
  const claims = await request.validate?.(reached, client, answer);
  return claims ? { ...tokens, claims } : tokens;
}

async function send(
  issuer: Issuer,
  client: Client,
  { grantType, parameters, signal }: TokenRequest,
): Promise<Members> {
  const { http } = issuer;
  const url = issuer.metadata.token_endpoint;
  if (!url) {
    throw new TokenError("invalid_metadata", "Cannot ask for a token: the server names no token endpoint");
  }
  const body = new URLSearchParams(parameters);
  body.set("grant_type", grantType);
  const headers = new Headers({ accept: "application/json" });
  await authenticationOf(client).apply({
    issuer: issuer.issuer,
    clientId: client.clientId,
    parameters: body,
    headers,
  });
  const answer = await exchange(http, { url, method: "POST", headers, body, signal });
  return successMembers(answer, issuer, "the token request");
}
