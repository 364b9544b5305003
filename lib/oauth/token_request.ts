/**
 * A request to the token endpoint (RFC 6749 section 3.2): the one path that every grant takes.
 *
 * @module
 */

import {
  genericTokenEndpointRequest,
  getValidatedIdTokenClaims,
  processAuthorizationCodeResponse,
  processGenericTokenEndpointResponse,
} from "oauth4webapi";
import { isTokenError, TokenError } from "../errors.ts";
import { guarded, protocolAuthentication, protocolClient, through } from "./_protocol.ts";
import { type Client, issuerFor } from "./client.ts";
import { checkClaims, serverForIdToken, verifySignature } from "./id_token.ts";
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
  /** The nonce that the ID token must carry; it must then be there (OpenID Connect Core 1.0 section 3.1.3.7). */
  readonly nonce?: string;
  /** The claims of the sign-in that is renewed (OpenID Connect Core 1.0 section 12.2). */
  readonly previous?: IdTokenClaims;
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
 * Sends a token request and validates the answer, the ID token with its signature included.
 *
 * @throws {TokenError} `server_refused` with the server's `error`; `invalid_response`, `invalid_metadata`,
 * `unavailable`, `network`, `timeout`, `aborted`
 */
export async function requestToken(issuer: Issuer, client: Client, request: TokenRequest): Promise<TokenSet> {
  const reached = issuerFor(issuer, client);
  const who = protocolClient(reached, client);
  const sentAt = reached.http.clock.now();
  let members: Members = {};
  const repair = (answer: Members) => members = repairTokenAnswer(answer, reached.quirks);
  const server = serverForIdToken(reached, undefined);
  const options = through(reached, { what: "the token request", repair, signal: request.signal });
  const response = await guarded(() =>
    genericTokenEndpointRequest(
      server,
      who,
      protocolAuthentication(client),
      request.grantType,
      request.parameters,
      options,
    )
  ).catch(withHint);
  const judge = serverForIdToken(reached, members.id_token);
  const result = await guarded(() =>
    request.nonce === undefined
      ? processGenericTokenEndpointResponse(judge, who, response)
      : processAuthorizationCodeResponse(judge, who, response, { expectedNonce: request.nonce })
  );
  const claims = getValidatedIdTokenClaims(result) as IdTokenClaims | undefined;
  if (claims) {
    await verifySignature(reached, judge, response);
    checkClaims(claims, reached, client, request.previous);
  }
  return tokenSetOf(members, sentAt, request.parameters.get("scope") ?? request.scope, claims);
}

function withHint(error: unknown): never {
  if (isTokenError(error) && (error.serverError === "invalid_client" || error.status === 401)) {
    throw new TokenError("server_refused", error.message, {
      ...error,
      nextStep: "Check the client id and the client secret",
    });
  }
  throw error;
}
