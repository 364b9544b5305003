/**
 * Token exchange (RFC 8693): one token for another.
 *
 * @module
 */

import { TokenError } from "../../errors.ts";
import { unusableAnswer } from "../_answer.ts";
import type { Client } from "../client.ts";
import { idTokenValidation } from "../id_token.ts";
import type { Issuer } from "../issuer.ts";
import {
  formOf,
  narrowing,
  replacing,
  type RequestOptions,
  requestToken,
  TOKEN_EXCHANGE,
  type TokenParameters,
} from "../token_request.ts";
import type { TokenSet } from "../token_set.ts";

/** The kinds of token that RFC 8693 section 3 names; a server may know others, by their URI. */
export const TOKEN_TYPES = {
  accessToken: "urn:ietf:params:oauth:token-type:access_token",
  refreshToken: "urn:ietf:params:oauth:token-type:refresh_token",
  idToken: "urn:ietf:params:oauth:token-type:id_token",
  jwt: "urn:ietf:params:oauth:token-type:jwt",
  saml1: "urn:ietf:params:oauth:token-type:saml1",
  saml2: "urn:ietf:params:oauth:token-type:saml2",
} as const;

/** What a token exchange sends. */
export interface TokenExchangeParameters extends TokenParameters {
  /** The token of the one on whose behalf the request is made. */
  subjectToken: string;
  /** What kind of token that is. Default: an access token. */
  subjectTokenType?: string;
  /** The token of the one who acts. */
  actorToken?: string;
  /** What kind of token that is; there when `actorToken` is, and only then. */
  actorTokenType?: string;
  /** The kind of token that is wanted. Default: the server decides. */
  requestedTokenType?: string;
}

/** The answer of a token exchange. */
export interface ExchangedToken extends TokenSet {
  /** What kind of token `accessToken` is (RFC 8693 section 2.2.1). */
  readonly issuedTokenType: string;
}

/**
 * Exchanges a token.
 *
 * @throws {TokenError} `invalid_argument` when actor token and its type are not both there, `invalid_response` when
 * the answer names no type or another than was asked for, and as every token request
 * @see RFC 8693 section 2
 */
export async function tokenExchangeGrant(
  issuer: Issuer,
  client: Client,
  parameters: TokenExchangeParameters,
  options: RequestOptions = {},
): Promise<ExchangedToken> {
  const { subjectToken, subjectTokenType, actorToken, actorTokenType, requestedTokenType } = parameters;
  if ((actorToken === undefined) !== (actorTokenType === undefined)) {
    throw new TokenError(
      "invalid_argument",
      "Cannot exchange the token: actor token and type go together",
    );
  }
  let issuedTokenType: unknown;
  const validate = idTokenValidation();
  const tokens = await requestToken(issuer, client, {
    grantType: TOKEN_EXCHANGE,
    parameters: formOf(replacing(narrowing(parameters), {
      subject_token: subjectToken,
      subject_token_type: subjectTokenType ?? TOKEN_TYPES.accessToken,
      actor_token: actorToken,
      actor_token_type: actorTokenType,
      requested_token_type: requestedTokenType,
    })),
    validate: (reached, who, answer, request) => {
      issuedTokenType = answer.issued_token_type;
      return validate(reached, who, answer, request);
    },
    ...options,
  });
  return { ...tokens, issuedTokenType: checkType(issuedTokenType, requestedTokenType) };
}

function checkType(issued: unknown, requested?: string): string {
  if (typeof issued !== "string" || issued === "") throw unusableAnswer('its "issued_token_type" is missing');
  // a JWT is what most access tokens are: RFC 8693 section 3 lets the one stand for the other
  const interchangeable: string[] = [TOKEN_TYPES.accessToken, TOKEN_TYPES.jwt];
  const same = requested === undefined || issued === requested ||
    (interchangeable.includes(issued) && interchangeable.includes(requested));
  if (same) return issued;
  throw unusableAnswer("its token is of another type");
}
