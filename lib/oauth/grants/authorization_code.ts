/**
 * The authorization code grant with PKCE (RFC 6749 section 4.1, RFC 7636, RFC 8252).
 *
 * @module
 */

import { isTokenError, TokenError } from "../../errors.ts";
import { randomText } from "../_encodings.ts";
import { answerParameters, authorizationCode, isAnswerFor } from "../authorization_answer.ts";
import { authorizationUrl, type Delivery } from "../authorization_url.ts";
import { type Client, issuerFor } from "../client.ts";
import { idTokenValidation } from "../id_token.ts";
import type { Issuer } from "../issuer.ts";
import { proofKey } from "../pkce.ts";
import {
  formOf,
  narrowing,
  replacing,
  type RequestOptions,
  requestToken,
  type TokenParameters,
} from "../token_request.ts";
import type { TokenSet } from "../token_set.ts";

/** What an authorization request carries, and how. */
export interface AuthorizationParameters extends TokenParameters, Delivery {
  /** Where the browser is sent back to; exactly as registered, but for the port of a loopback address. */
  redirectUri: string;
  /** Only `code` (the default) is possible: tokens do not belong in a browser's address (RFC 9700 section 2.1.2). */
  responseType?: "code";
  /** `jwt` and its kin ask for a signed answer (JARM). Default: the server's own, `query`. */
  responseMode?: "query" | "jwt" | "query.jwt";
  /** `consent`, `login`, `select_account`, … (OpenID Connect Core 1.0 section 3.1.2.1). */
  prompt?: string;
  /** The account to offer. */
  loginHint?: string;
  /** For how long an earlier sign-in may count, in seconds; checked in the ID token. */
  maxAge?: number;
}

/** An authorization request that waits for the browser to come back. Verifier, state and nonce stay inside. */
export interface AuthorizationRequest {
  /** The page to open. */
  readonly url: string;
  /** Whether `parameters` answer this request. Anything else on the redirect URI is not for us. */
  readonly accepts: (parameters: URLSearchParams) => boolean;
  /**
   * Redeems the answer that came to the redirect URI. Once: a second call is refused.
   *
   * @throws {TokenError} `access_denied` when the person or the server said no, `invalid_response` when the answer is
   * not for this request, `expired_code` when the code ran out, and as every token request
   */
  readonly redeem: (answer: URLSearchParams | URL | string, options?: RequestOptions) => Promise<TokenSet>;
}

/**
 * Prepares an authorization request: PKCE with S256, `state`, and with `openid` a `nonce`, always. The parameters are
 * pushed to the server (RFC 9126) when it requires that.
 *
 * @throws {TokenError} `unsupported` when the server has no authorization endpoint or no S256, or for a response type
 * that would put tokens into the browser's address
 * @see RFC 6749 section 4.1.1, RFC 7636 section 4, RFC 9700 section 2.1
 */
export async function authorizationRequest(
  issuer: Issuer,
  client: Client,
  parameters: AuthorizationParameters,
): Promise<AuthorizationRequest> {
  refuseTokensInTheBrowser(parameters.responseType ?? parameters.extra?.response_type ?? "code");
  if (parameters.extra?.request !== undefined || parameters.extra?.request_uri !== undefined) {
    // RFC 9126 section 2.1; a signed request is made here, with `requestObjectKey`
    throw new TokenError("invalid_argument", "Cannot send a request object that was made elsewhere");
  }
  const proof = await proofKey(issuer);
  const state = randomText();
  const { redirectUri, prompt, loginHint, maxAge } = parameters;
  const responseMode = parameters.responseMode ?? parameters.extra?.response_mode;
  const scope = parameters.scope ?? parameters.extra?.scope;
  const nonce = scope?.split(" ").includes("openid") ? randomText() : undefined;
  const form = formOf(replacing(narrowing(parameters), {
    response_type: "code",
    client_id: client.clientId,
    redirect_uri: redirectUri,
    response_mode: responseMode,
    prompt,
    login_hint: loginHint,
    max_age: maxAge?.toString(),
    state,
    nonce,
    dpop_jkt: client.dpop?.thumbprint,
    ...proof.parameters,
  }));
  const url = await authorizationUrl(issuer, client, form, parameters);
  const signed = responseMode?.endsWith("jwt") ?? false;
  let redeemed = false;
  return {
    url,
    accepts: (answer) => isAnswerFor(state, answer, client),
    redeem: async (answer, options = {}) => {
      const reached = issuerFor(issuer, client);
      const code = await authorizationCode(reached, client, answerParameters(answer), state, signed);
      if (redeemed) throw new TokenError("invalid_response", "Cannot redeem an authorization code twice");
      redeemed = true;
      return await requestToken(issuer, client, {
        grantType: "authorization_code",
        parameters: formOf({ code, redirect_uri: redirectUri, code_verifier: proof.verifier }),
        scope,
        validate: idTokenValidation({ nonce, maxAge }),
        ...options,
      }).catch(explain);
    },
  };
}

function refuseTokensInTheBrowser(responseType: string): void {
  if (responseType === "code") return;
  const flow = responseType.split(" ").includes("code") ? "hybrid" : "implicit";
  throw new TokenError(
    "unsupported",
    `Cannot use the ${flow} flow: it puts tokens into the browser's address`,
    {
      nextStep: "Use the authorization code flow with PKCE (RFC 9700 section 2.1.2)",
    },
  );
}

function explain(error: unknown): never {
  if (!isTokenError(error) || error.serverError !== "invalid_grant") throw error;
  const words = error.serverDescription ?? error.serverError;
  throw new TokenError("expired_code", `The server did not take its own code: "${words}"`, {
    ...error,
    nextStep: "Start the sign-in again",
  });
}
