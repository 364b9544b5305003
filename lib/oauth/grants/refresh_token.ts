/**
 * The refresh token grant (RFC 6749 section 6).
 *
 * @module
 */

import { isTokenError, TokenError } from "../../errors.ts";
import type { Client } from "../client.ts";
import { idTokenValidation } from "../id_token.ts";
import type { Issuer } from "../issuer.ts";
import {
  formOf,
  narrowing,
  type RequestOptions,
  requestToken,
  type TokenParameters,
} from "../token_request.ts";
import type { IdTokenClaims, TokenSet } from "../token_set.ts";

/** What the refresh token grant sends, and what it compares the answer with. */
export interface RefreshTokenParameters extends TokenParameters {
  /** The refresh token. */
  refreshToken: string;
  /** The claims of the sign-in: a new ID token must be about the same person. */
  claims?: IdTokenClaims;
  /** The scope that was granted at sign-in: what holds when neither request nor answer names one. */
  grantedScope?: string;
  /**
   * Told the new refresh token as soon as it is here, before the rest of the answer is judged; a server that rotates
   * takes no other from then on, even if that answer is of no use. A rejection fails the call.
   */
  onRefreshToken?: (refreshToken: string) => void | Promise<void>;
}

/**
 * A new access token for a refresh token. The request is sent once and never repeated: a server that rotates may
 * have used the token up even when no answer came. Where the answer has no refresh token, the old one stays good and
 * is returned (RFC 6749 section 6).
 *
 * @throws {TokenError} `sign_in_required` when the refresh token is dead; `server_refused`, `invalid_response`,
 * `unavailable`, `network`, `timeout`, `aborted`
 * @see RFC 6749 section 6
 */
export async function refreshTokenGrant(
  issuer: Issuer,
  client: Client,
  parameters: RefreshTokenParameters,
  options: RequestOptions = {},
): Promise<TokenSet> {
  const { refreshToken, claims, grantedScope, onRefreshToken, ...rest } = parameters;
  try {
    const tokens = await requestToken(issuer, client, {
      grantType: "refresh_token",
      parameters: formOf({ ...narrowing(rest), refresh_token: refreshToken }),
      scope: grantedScope,
      validate: idTokenValidation({ previous: claims }),
      onRefreshToken,
      ...options,
    });
    return { ...tokens, refreshToken: tokens.refreshToken ?? refreshToken };
  } catch (error) {
    throw isTokenError(error) ? orEnded(error) : error;
  }
}

/** An error of a refresh; a refresh token that is dead asks for a new sign-in. */
export function orEnded(error: TokenError): TokenError {
  if (error.serverError !== "invalid_grant") return error;
  const words = error.serverDescription ?? error.serverError;
  return new TokenError("sign_in_required", `The sign-in has ended (the server says "${words}")`, {
    ...error,
    nextStep: "Sign in again",
  });
}
