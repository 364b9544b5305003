/**
 * A sign-in that waits for a person on another device: what the device grant and CIBA share.
 *
 * @module
 */

import { secondsMember, successMembers } from "./_answer.ts";
import { type EndpointRequest, postForm } from "./_endpoint.ts";
import { DEFAULT_INTERVAL, poll } from "./_polling.ts";
import type { Client } from "./client.ts";
import { idTokenValidation } from "./id_token.ts";
import type { Issuer } from "./issuer.ts";
import { type Members, repairDeviceAnswer } from "./quirks.ts";
import { type RequestOptions, requestToken, type TokenRequest } from "./token_request.ts";
import type { TokenSet } from "./token_set.ts";

/** A sign-in that was asked for. */
export interface WaitingSignIn {
  /** What the server answered. */
  readonly answer: Members;
  /** When it ends, in epoch seconds. */
  readonly expiresAt: number;
  /** Polls until the person has answered. */
  readonly wait: (options?: RequestOptions) => Promise<TokenSet>;
}

/**
 * Asks for a sign-in on another device.
 *
 * @param redeem what to poll with, for that answer
 */
export async function waitingSignIn(
  issuer: Issuer,
  client: Client,
  request: EndpointRequest,
  redeem: (answer: Members) => TokenRequest,
): Promise<WaitingSignIn> {
  const { http: { clock }, quirks } = issuer;
  const sent = await postForm(issuer, client, request);
  const answer = repairDeviceAnswer(successMembers(sent, issuer, request.what), quirks);
  const started = clock.monotonic();
  const lifetime = Math.floor(secondsMember(answer, "expires_in"));
  const interval = answer.interval === undefined ? DEFAULT_INTERVAL : secondsMember(answer, "interval");
  const poller = { validate: idTokenValidation(), ...redeem(answer) };
  return {
    answer,
    expiresAt: Math.floor(clock.now() / 1000) + lifetime,
    wait: ({ signal } = {}) =>
      poll({
        clock,
        interval,
        deadline: started + lifetime * 1000,
        signal,
        attempt: (signal) => requestToken(issuer, client, { ...poller, signal }),
      }),
  };
}
