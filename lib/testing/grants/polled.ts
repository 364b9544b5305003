/**
 * The grants that a client polls for: the device code (RFC 8628 section 3.4) and CIBA in poll mode (section 10.1).
 *
 * @module
 */

import { refusal } from "../answers.ts";
import { sha256 } from "../bytes.ts";
import { required, seconds } from "../call.ts";
import { isPublic, mayUse } from "../client_authentication.ts";
import type { TokenRequest } from "../endpoints/token.ts";
import type { JsonObject } from "../jwt.ts";
import type { PendingSignIn, State } from "../state.ts";
import { laterAudience } from "../targets.ts";
import { openGrant, tokenAnswer } from "../tokens.ts";
import { checkVerifier } from "./authorization_code.ts";

/** The `grant_type` of the device grant. */
export const DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code";

/** The `grant_type` of CIBA. */
export const CIBA = "urn:openid:params:grant-type:ciba";

/** How many seconds `slow_down` adds (RFC 8628 section 3.5). */
export const SLOWER = 5;

/** Answers a poll: not yet, too fast, no, or the tokens, once. */
export async function polled(request: TokenRequest): Promise<JsonObject> {
  const { call, client, parameters, grantType, binding } = request;
  const { state } = call;
  const code = required(parameters, grantType === CIBA ? "auth_req_id" : "device_code");
  const verifier = parameters.get("code_verifier");
  const hash = verifier === null ? null : await sha256(verifier);
  // No await from here to `used`: of two polls after the approval, one gets the tokens.
  const pending = state.pending.get(code);
  const isDevice = pending?.userCode !== undefined;
  if (pending === undefined || isDevice !== (grantType === DEVICE_CODE)) throw unknownCode();
  if (pending.clientId !== client.clientId || pending.used) throw unknownCode();
  const subject = decided(state, pending);
  checkVerifier(pending.challenge ?? null, verifier, hash);
  const audience = laterAudience(state, pending.audience, parameters);
  pending.used = true;
  const grant = openGrant(state, {
    clientId: client.clientId,
    subject,
    scope: pending.scope,
    audience,
    authTime: seconds(state),
    ...(pending.nonce === undefined ? {} : { nonce: pending.nonce }),
    ...(isPublic(client) && binding.jkt !== undefined ? { jkt: binding.jkt } : {}),
  });
  const refreshes = mayUse(client, "refresh_token");
  return await tokenAnswer(call, { grant, binding, ...(refreshes ? { refreshToken: "first" } : {}) });
}

/** Who said yes. Everything else is a refusal. */
function decided(state: State, pending: PendingSignIn): string {
  const { texts, devicePacing } = state.flavor;
  const now = state.clock.now();
  if (pending.expiresAt <= now) throw refusal("expired_token", texts.expired(pending.code));
  const early = pending.lastPoll !== undefined && now - pending.lastPoll < pending.interval * 1000;
  pending.lastPoll = now;
  if (early && devicePacing) {
    pending.interval += SLOWER;
    throw refusal("slow_down", "Polled too fast");
  }
  if (pending.decision === undefined) throw refusal("authorization_pending", texts.pending(pending.code));
  if (pending.decision === "denied") throw refusal("access_denied", "The person said no");
  return pending.decision.subject;
}

function unknownCode(): Response {
  return refusal("invalid_grant", "The code is unknown or was already used");
}
