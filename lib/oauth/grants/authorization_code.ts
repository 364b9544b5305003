/**
 * The authorization code grant with PKCE (RFC 6749 section 4.1, RFC 7636, RFC 8252).
 *
 * @module
 */

import {
  AuthorizationResponseError,
  generateRandomNonce,
  generateRandomState,
  validateAuthResponse,
} from "oauth4webapi";
import { TokenError } from "../../errors.ts";
import { checkUrl } from "../../http/url.ts";
import { safeText } from "../../safe_text.ts";
import { guarded, protocolClient } from "../_protocol.ts";
import { type Client, issuerFor } from "../client.ts";
import { asServer, type Issuer } from "../issuer.ts";
import { idTokenValidation } from "../id_token.ts";
import { proofKey } from "../pkce.ts";
import { formOf, type RequestOptions, requestToken, type TokenParameters } from "../token_request.ts";
import type { TokenSet } from "../token_set.ts";

/** What an authorization request carries. */
export interface AuthorizationParameters extends TokenParameters {
  /** Where the browser is sent back to; exactly as registered, but for the port of a loopback address. */
  redirectUri: string;
  /** `consent`, `login`, `select_account`, … (OpenID Connect Core 1.0 section 3.1.2.1). */
  prompt?: string;
  /** The account to offer. */
  loginHint?: string;
  /** Anything else that the server asks for. A parameter of this list does not replace one of ours. */
  extra?: Readonly<Record<string, string>>;
}

/** An authorization request that waits for the browser to come back. Verifier, state and nonce stay inside. */
export interface AuthorizationRequest {
  /** The page to open. */
  readonly url: string;
  /** Whether `parameters` answer this request: their `state` is ours. Anything else on the redirect URI is not for us. */
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
 * Prepares an authorization request: PKCE with S256, `state`, and with `openid` a `nonce`, always.
 *
 * @throws {TokenError} `unsupported` when the server has no authorization endpoint or no S256
 * @see RFC 6749 section 4.1.1, RFC 7636 section 4, RFC 9700 section 2.1
 */
export async function authorizationRequest(
  issuer: Issuer,
  client: Client,
  parameters: AuthorizationParameters,
): Promise<AuthorizationRequest> {
  const endpoint = issuer.metadata.authorization_endpoint;
  if (!endpoint) {
    throw new TokenError(
      "unsupported",
      "Cannot sign in with a browser: the server has no authorization endpoint",
    );
  }
  const proof = await proofKey(issuer);
  const state = generateRandomState();
  const nonce = parameters.scope?.split(" ").includes("openid") ? generateRandomNonce() : undefined;
  const { redirectUri, prompt, loginHint, extra, ...narrowing } = parameters;
  const url = checkUrl(endpoint, issuer.http);
  const form = formOf({
    ...extra,
    response_type: "code",
    client_id: client.clientId,
    redirect_uri: redirectUri,
    ...narrowing,
    prompt,
    login_hint: loginHint,
    state,
    nonce,
    ...proof.parameters,
  });
  for (const [name, value] of form) url.searchParams.append(name, value);
  let redeemed = false;
  return {
    url: url.href,
    accepts: (answer) => answer.getAll("state").length === 1 && answer.get("state") === state,
    redeem: async (answer, options = {}) => {
      const code = await codeOf(issuer, client, parametersOf(answer), state);
      if (redeemed) throw new TokenError("invalid_response", "Cannot redeem an authorization code twice");
      redeemed = true;
      return await requestToken(issuerFor(issuer, client), client, {
        grantType: "authorization_code",
        parameters: formOf({ code, redirect_uri: redirectUri, code_verifier: proof.verifier }),
        scope: parameters.scope,
        validate: idTokenValidation({ nonce }),
        ...options,
      }).catch(explain);
    },
  };
}

function parametersOf(answer: URLSearchParams | URL | string): URLSearchParams {
  if (answer instanceof URLSearchParams) return answer;
  if (!URL.canParse(String(answer))) {
    throw new TokenError(
      "invalid_argument",
      "Cannot use this as the answer: paste the whole address, from http to the end",
    );
  }
  return new URL(String(answer)).searchParams;
}

async function codeOf(
  issuer: Issuer,
  client: Client,
  answer: URLSearchParams,
  state: string,
): Promise<string> {
  const checked = await guarded(() => check(issuer, client, answer, state));
  const code = checked.get("code");
  if (code) return code;
  throw new TokenError("invalid_response", "Cannot use the server's answer: it has no authorization code");
}

function check(issuer: Issuer, client: Client, answer: URLSearchParams, state: string): URLSearchParams {
  for (const name of new Set(answer.keys())) {
    if (answer.getAll(name).length > 1) {
      throw new TokenError(
        "invalid_response",
        `Cannot use the server's answer: "${safeText(name, 40)}" is there twice`,
      );
    }
  }
  try {
    return validateAuthResponse(asServer(issuer), protocolClient(issuer, client), answer, state);
  } catch (error) {
    throw error instanceof AuthorizationResponseError ? denied(error) : error;
  }
}

function denied(error: AuthorizationResponseError): TokenError {
  const options = { serverError: error.error, serverDescription: error.error_description };
  const words = [error.error, error.error_description].filter(Boolean).map((text) => `"${safeText(text!)}"`)
    .join(": ");
  return new TokenError(
    error.error === "access_denied" ? "access_denied" : "server_refused",
    `The sign-in was refused: ${words}`,
    options,
  );
}

function explain(error: unknown): never {
  if (error instanceof TokenError && error.serverError === "invalid_grant") {
    throw new TokenError(
      "expired_code",
      `The server did not take its own code: "${error.serverDescription ?? error.serverError}"`,
      {
        ...error,
        nextStep: "Start the sign-in again",
      },
    );
  }
  throw error;
}
