/**
 * The device authorization grant (RFC 8628).
 *
 * @module
 */

import { checkUrl } from "../../http/url.ts";
import { textMember, unusableAnswer } from "../_answer.ts";
import { waitingSignIn } from "../_waiting.ts";
import type { Client } from "../client.ts";
import type { Issuer } from "../issuer.ts";
import { knowsS256, proofKey } from "../pkce.ts";
import { formOf, narrowing, type RequestOptions, type TokenParameters } from "../token_request.ts";
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
 * Asks for a user code. PKCE is sent along where the server knows S256, since Keycloak clients may demand it here too.
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
  const { clientId: client_id } = client;
  const proof = knowsS256(issuer) ? await proofKey(issuer) : undefined;
  const request = {
    endpoint: "device_authorization_endpoint",
    what: "a device code",
    parameters: formOf({ ...narrowing(parameters), ...proof?.parameters, client_id }),
    signal: options.signal,
  };
  const { answer, ...waiting } = await waitingSignIn(issuer, client, request, (answer) => ({
    grantType: DEVICE_CODE,
    parameters: formOf({
      client_id,
      device_code: textMember(answer, "device_code"),
      code_verifier: proof?.verifier,
    }),
    scope: parameters.scope,
  }));
  const complete = answer.verification_uri_complete;
  return {
    userCode: textMember(answer, "user_code"),
    verificationUri: pageOf(textMember(answer, "verification_uri"), issuer),
    ...(complete ? { verificationUriComplete: pageOf(String(complete), issuer) } : {}),
    ...waiting,
  };
}

/** The page to open, as a URL that can be shown and opened. */
function pageOf(uri: string, issuer: Issuer): string {
  try {
    // a fragment is not for a request, but a page may have one
    return checkUrl(uri.split("#")[0], issuer.http).href + new URL(uri).hash;
  } catch {
    throw unusableAnswer("its verification page is no https URL");
  }
}
