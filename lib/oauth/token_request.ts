/**
 * A request to the token endpoint (RFC 6749 section 3.2): the one path that every grant takes.
 *
 * It does without the protocol library, so that a program that only wants client credentials does not carry the
 * validation of ID tokens with it. A grant whose answer may hold one passes that in: `validateIdToken`.
 *
 * @module
 */

import { isTokenError, TokenError } from "../errors.ts";
import { untilAborted } from "../http/abort.ts";
import { defined } from "./_defined.ts";
import { type EndpointAnswer, successMembers, unusableAnswer } from "./_answer.ts";
import { postForm } from "./_endpoint.ts";
import { type Client, issuerFor } from "./client.ts";
import type { Issuer } from "./issuer.ts";
import { type Members, repairTokenAnswer } from "./quirks.ts";
import { type IdTokenClaims, refreshTokenOf, type TokenSet, tokenSetOf } from "./token_set.ts";

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
  /** What the other members mean. */
  readonly type: string;
  /** What that type has. */
  readonly [member: string]: unknown;
}

/** How to wait for a token. */
export interface RequestOptions {
  /** Ends the wait. */
  signal?: AbortSignal;
}

/** What the ID token of an answer says, once it is validated; nothing where there is none. */
export type Validation = (
  issuer: Issuer,
  client: Client,
  answer: Members,
  request: Pick<TokenRequest, "grantType" | "parameters" | "scope">,
) => Promise<IdTokenClaims | undefined>;

/** A token request in the making. */
export interface TokenRequest extends RequestOptions {
  readonly grantType: string;
  readonly parameters: URLSearchParams;
  /** How long the exchange may take, in milliseconds. Default: that of the issuer. */
  readonly timeout?: number;
  /** What was asked for, where the parameters do not say. */
  readonly scope?: string;
  /** Validates the ID token of an answer. Without it an ID token is dropped: what nobody checked, nobody gets. */
  readonly validate?: Validation;
  /** Told the answer's refresh token before the rest of the answer is judged: it is good even if that is not. */
  readonly onRefreshToken?: (refreshToken: string) => void | Promise<void>;
}

/**
 * The form parameters of {@linkcode TokenParameters}.
 *
 * @throws {TokenError} `invalid_argument` when a resource is no absolute URI or has a fragment
 */
export function narrowing(parameters: TokenParameters): FormParameters {
  const { scope, audience, resource, authorizationDetails, extra } = parameters;
  if ([resource ?? []].flat().some((uri) => !URL.canParse(uri) || uri.includes("#"))) {
    throw new TokenError(
      "invalid_argument",
      "Cannot use this resource: it is no absolute URI without fragment",
    );
  }
  const details = authorizationDetails && JSON.stringify(authorizationDetails);
  return replacing(extra, { scope, audience, resource, authorization_details: details });
}

type FormParameters = Record<string, string | readonly string[] | undefined>;

/** `parameters` with those of `own` that are there in their place. */
export function replacing(parameters: FormParameters | undefined, own: FormParameters): FormParameters {
  return { ...parameters, ...defined(own) };
}

/** The grant type of a token exchange, the only one whose answer may be no access token (RFC 8693 section 2.2.1). */
export const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";

/** Form parameters from those that are there; an array repeats its parameter. */
export function formOf(parameters: FormParameters): URLSearchParams {
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
  const sentAt = issuer.http.clock.now();
  return await untilAborted(async () => {
    const answer = await sendTokenRequest(issuer, client, request);
    return await readTokenAnswer(issuer, client, request, answer, sentAt);
  }, request.signal);
}

/** Sends a token request. What comes is a success by its status; it may be an error all the same. */
export async function sendTokenRequest(
  issuer: Issuer,
  client: Client,
  { grantType, parameters, signal, timeout }: TokenRequest,
): Promise<EndpointAnswer> {
  parameters.set("grant_type", grantType);
  const form = { endpoint: "token_endpoint", what: WHAT, parameters, signal, timeout };
  return await postForm(issuer, client, form);
}

/**
 * Validates the answer to a token request.
 *
 * @param sentAt when the request was made, in epoch milliseconds
 */
export async function readTokenAnswer(
  issuer: Issuer,
  client: Client,
  request: Omit<TokenRequest, "signal" | "timeout">,
  answer: EndpointAnswer,
  sentAt: number,
): Promise<TokenSet> {
  try {
    return await judge(issuerFor(issuer, client), client, request, answer, sentAt);
  } catch (error) {
    // whatever goes wrong with an answer, be it that the keys cannot be fetched: the request had been sent
    throw isTokenError(error) ? new TokenError(error.code, error.message, { ...error, sent: true }) : error;
  }
}

/** The scope that was asked for. */
export function scopeOf(
  { parameters, scope }: Pick<TokenRequest, "parameters" | "scope">,
): string | undefined {
  return parameters.get("scope") ?? scope;
}

/** What is asked for, for messages. */
export const WHAT = "the token request";

async function judge(
  issuer: Issuer,
  client: Client,
  request: TokenRequest,
  sent: EndpointAnswer,
  sentAt: number,
): Promise<TokenSet> {
  const { grantType, validate, onRefreshToken } = request;
  const members = successMembers(sent, issuer, WHAT);
  const successor = refreshTokenOf(members);
  if (successor !== undefined) await onRefreshToken?.(successor);
  const answer = repairTokenAnswer(members, issuer.quirks);
  if (!validate) delete answer.id_token;
  const tokens = tokenSetOf(answer, sentAt, scopeOf(request));
  checkBinding(client, tokens, grantType);
  const claims = await validate?.(issuer, client, answer, request);
  // the ID token may have been encrypted
  return claims ? { ...tokens, idToken: answer.id_token as string, claims } : tokens;
}

/** A token of another kind than the client asked for is of no use, or worse: of use to a thief (RFC 9449 section 5). */
function checkBinding(client: Client, { tokenType }: TokenSet, grantType: string): void {
  const wanted = client.dpop ? "DPoP" : "Bearer";
  if (tokenType === wanted || (tokenType === "N_A" && grantType === TOKEN_EXCHANGE)) return;
  throw unusableAnswer(`its token is of type ${tokenType}, not ${wanted}`);
}
