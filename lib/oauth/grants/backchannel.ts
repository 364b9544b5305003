/**
 * Client-initiated backchannel authentication (OpenID Connect CIBA Core 1.0), in poll mode.
 *
 * @module
 */

import { TokenError } from "../../errors.ts";
import { textMember } from "../_answer.ts";
import { requestObject } from "../_request_object.ts";
import { waitingSignIn } from "../_waiting.ts";
import type { Client } from "../client.ts";
import type { Issuer } from "../issuer.ts";
import type { SigningKey } from "../signing_key.ts";
import { formOf, narrowing, replacing, type RequestOptions, type TokenParameters } from "../token_request.ts";
import type { TokenSet } from "../token_set.ts";

/** What a backchannel authentication request carries (CIBA Core section 7.1). One of the three hints is needed. */
export interface BackchannelParameters extends TokenParameters {
  /** Who shall sign in: an account name, a phone number. */
  loginHint?: string;
  /** Who shall sign in, as a token that the server understands. */
  loginHintToken?: string;
  /** Who shall sign in, by an earlier ID token. */
  idTokenHint?: string;
  /** What both devices show, so that the person can tell that the requests belong together. */
  bindingMessage?: string;
  /** A secret that only the person knows, where the server asks for one. */
  userCode?: string;
  /** How long the request shall stay open, in seconds. */
  requestedExpiry?: number;
  /** The kinds of authentication that are asked for. */
  acrValues?: string;
  /** Signs the request, where the client is registered so (CIBA Core section 7.1.1). */
  requestObjectKey?: SigningKey;
}

/** A request that waits on the person's other device. Its identifier stays inside. */
export interface BackchannelAuthentication {
  /** When it ends, in epoch seconds. */
  readonly expiresAt: number;
  /**
   * Polls until the person has answered; the server may hold each question for up to 30 s.
   *
   * @throws {TokenError} `expired_code`, `access_denied`, `aborted`, `server_refused`, `invalid_response`
   * @see CIBA Core section 10.1
   */
  readonly wait: (options?: RequestOptions) => Promise<TokenSet>;
}

/** A held question may take this long, in milliseconds (CIBA Core section 7.3). */
const LONG_POLL = 40_000;

/**
 * Asks the server to ask the person on another device.
 *
 * @throws {TokenError} `invalid_argument` when there is not exactly one hint, `unsupported` when the server does not
 * offer it, and as every request
 * @see CIBA Core section 7
 */
export async function backchannelAuthentication(
  issuer: Issuer,
  client: Client,
  parameters: BackchannelParameters,
  options: RequestOptions = {},
): Promise<BackchannelAuthentication> {
  const form = requestForm(parameters);
  const key = parameters.requestObjectKey;
  const request = {
    endpoint: "backchannel_authentication_endpoint",
    what: "a sign-in on another device",
    parameters: key ? formOf({ request: await requestObject(issuer, client, form, key) }) : form,
    signal: options.signal,
  };
  const { answer: _answer, ...waiting } = await waitingSignIn(issuer, client, request, (answer) => ({
    grantType: "urn:openid:params:grant-type:ciba",
    parameters: formOf({ auth_req_id: textMember(answer, "auth_req_id") }),
    scope: form.get("scope") ?? undefined,
    timeout: LONG_POLL,
  }));
  return waiting;
}

function requestForm(parameters: BackchannelParameters): URLSearchParams {
  const { loginHint, loginHintToken, idTokenHint, bindingMessage, userCode, requestedExpiry, acrValues } =
    parameters;
  if ([loginHint, loginHintToken, idTokenHint].filter((hint) => hint !== undefined).length !== 1) {
    throw new TokenError(
      "invalid_argument",
      "Cannot ask on another device: there must be exactly one hint",
    );
  }
  return formOf(replacing({ scope: "openid", ...narrowing(parameters) }, {
    login_hint: loginHint,
    login_hint_token: loginHintToken,
    id_token_hint: idTokenHint,
    binding_message: bindingMessage,
    user_code: userCode,
    requested_expiry: requestedExpiry?.toString(),
    acr_values: acrValues,
  }));
}
