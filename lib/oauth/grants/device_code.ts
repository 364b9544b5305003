/**
 * The device authorization grant (RFC 8628).
 *
 * @module
 */

import { deviceAuthorizationRequest, processDeviceAuthorizationResponse } from "oauth4webapi";
import { isTokenError, TokenError } from "../../errors.ts";
import { checkUrl } from "../../http/url.ts";
import { guarded, protocolAuthentication, protocolClient, through } from "../_protocol.ts";
import { poll } from "../_polling.ts";
import { type Client, issuerFor } from "../client.ts";
import { asServer, type Issuer } from "../issuer.ts";
import { idTokenValidation } from "../id_token.ts";
import { proofKey } from "../pkce.ts";
import { repairDeviceAnswer } from "../quirks.ts";
import { formOf, type RequestOptions, requestToken, type TokenParameters } from "../token_request.ts";
import type { TokenSet } from "../token_set.ts";

/** The grant type of this grant. */
export const DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code";

/** A device authorization that waits for a person (RFC 8628 section 3.2). The device code stays inside. */
export interface DeviceAuthorization {
  /** What the person enters. */
  readonly userCode: string;
  /** Where the person enters it. */
  readonly verificationUri: string;
  /** The same page with the code in it, for a QR code or a browser. */
  readonly verificationUriComplete?: string;
  /** When the codes run out, in epoch seconds. */
  readonly expiresAt: number;
  /**
   * Polls until the person has answered. The interval is the server's, 5 s by default; `slow_down` adds 5 s for good;
   * a broken connection or a server that is down makes it wait longer and does not end the sign-in.
   *
   * @throws {TokenError} `expired_code`, `access_denied`, `aborted` (within 50 ms of the signal), `server_refused`,
   * `invalid_response`
   * @see RFC 8628 section 3.5
   */
  readonly wait: (options?: RequestOptions) => Promise<TokenSet>;
}

/**
 * Asks for a user code. PKCE is sent along, since Keycloak clients may demand it here too.
 *
 * @throws {TokenError} `unsupported` when the server has no device authorization endpoint; as every request
 * @see RFC 8628 section 3.1
 */
export async function deviceAuthorization(
  issuer: Issuer,
  client: Client,
  parameters: TokenParameters = {},
  options: RequestOptions = {},
): Promise<DeviceAuthorization> {
  const reached = issuerFor(issuer, client);
  if (!issuer.metadata.device_authorization_endpoint) {
    throw new TokenError("unsupported", "Cannot sign in with a device code: the server does not offer it");
  }
  const proof = await proofKey(issuer);
  const answer = await requestCodes(reached, client, formOf({ ...parameters, ...proof.parameters }), options);
  const { clock } = reached.http;
  const started = clock.monotonic();
  const expiresAt = Math.floor(clock.now() / 1000) + answer.expires_in;
  const verificationUri = pageOf(answer.verification_uri, reached);
  const complete = answer.verification_uri_complete;
  const redeem = (signal?: AbortSignal) =>
    requestToken(reached, client, {
      grantType: DEVICE_CODE,
      parameters: formOf({
        client_id: client.clientId,
        device_code: answer.device_code,
        code_verifier: proof.verifier,
      }),
      scope: parameters.scope,
      validate: idTokenValidation(),
      signal,
    });
  return {
    userCode: answer.user_code,
    verificationUri,
    ...(complete ? { verificationUriComplete: pageOf(complete, reached) } : {}),
    expiresAt,
    wait: ({ signal } = {}) =>
      poll({
        clock,
        interval: answer.interval ?? 5,
        deadline: started + answer.expires_in * 1000,
        signal,
        attempt: redeem,
      }).catch(explain),
  };
}

interface DeviceAnswer {
  device_code: string;
  user_code: string;
  verification_uri: string;
  verification_uri_complete?: string;
  expires_in: number;
  interval?: number;
}

async function requestCodes(
  issuer: Issuer,
  client: Client,
  parameters: URLSearchParams,
  { signal }: RequestOptions,
): Promise<DeviceAnswer> {
  const who = protocolClient(issuer, client);
  const repair = (members: Record<string, unknown>) => repairDeviceAnswer(members, issuer.quirks);
  const options = through(issuer, { what: "the device code", repair, signal });
  const response = await guarded(() =>
    deviceAuthorizationRequest(asServer(issuer), who, protocolAuthentication(client), parameters, options)
  );
  return await guarded(() => processDeviceAuthorizationResponse(asServer(issuer), who, response));
}

/** The page to open, as a URL that can be shown and opened. */
function pageOf(uri: string, issuer: Issuer): string {
  try {
    return checkUrl(uri, issuer.http).href;
  } catch {
    throw new TokenError(
      "invalid_response",
      "Cannot use the server's answer: its verification page is no https URL",
    );
  }
}

function explain(error: unknown): never {
  if (isTokenError(error) && error.serverError === "expired_token") {
    throw new TokenError("expired_code", "The code ran out before anybody entered it", {
      ...error,
      nextStep: "Start the sign-in again",
    });
  }
  if (isTokenError(error) && error.serverError === "access_denied") {
    const words = error.serverDescription ?? error.serverError;
    throw new TokenError("access_denied", `The sign-in was denied: "${words}"`, { ...error });
  }
  throw error;
}
