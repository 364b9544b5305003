/**
 * The device authorization endpoint (RFC 8628 section 3.1) and the page behind its `verification_uri`.
 *
 * @module
 */

import { json, page, refusal } from "../answers.ts";
import { randomText } from "../bytes.ts";
import { type Call, postedForm, required } from "../call.ts";
import { authenticateClient, invalidClient, mayUse } from "../client_authentication.ts";
import { DEVICE_CODE } from "../grants/polled.ts";
import type { State } from "../state.ts";
import { askedAudience, grantedScope } from "../targets.ts";
import { checkedChallenge } from "../authorization_request.ts";

/** Starts a sign-in on another device. */
export async function deviceAuthorization(call: Call): Promise<Response> {
  const { state } = call;
  const { settings, flavor, endpoints } = state;
  const parameters = postedForm(call);
  const { unknownDeviceClientStatus: status } = flavor;
  if (status === 404 && !state.clients.has(required(parameters, "client_id"))) {
    return new Response(null, { status });
  }
  const { client } = await authenticateClient(call, parameters);
  if (!mayUse(client, DEVICE_CODE)) {
    throw flavor.restrictiveRegistration
      ? invalidClient(call, "the client may not use the device grant")
      : refusal("unauthorized_client", "The client may not use the device grant");
  }
  const challenge = checkedChallenge(parameters, settings.requireDevicePkce);
  const deviceCode = randomText(32);
  const userCode = newUserCode(state);
  const nonce = parameters.get("nonce");
  state.pending.set(deviceCode, {
    code: deviceCode,
    userCode,
    clientId: client.clientId,
    scope: grantedScope(state, client, parameters.get("scope")),
    audience: askedAudience(state, parameters),
    ...(challenge === null ? {} : { challenge }),
    ...(nonce === null ? {} : { nonce }),
    expiresAt: state.clock.now() + settings.deviceCodeLifetime * 1000,
    interval: settings.interval,
    used: false,
  });
  const complete = new URL(endpoints.urls.verification);
  complete.searchParams.set("user_code", userCode);
  return json({
    device_code: deviceCode,
    user_code: userCode,
    verification_uri: endpoints.urls.verification,
    verification_uri_complete: complete.href,
    expires_in: settings.deviceCodeLifetime,
    ...(flavor.devicePacing ? { interval: settings.interval } : {}),
  });
}

/** The page on which a person would type the code; here the test decides. */
export function verification(): Response {
  return page("Enter the code that your device shows");
}

/** Eight consonants: nothing that reads as a word, nothing that looks like a digit (RFC 8628 section 6.1). */
function newUserCode(state: State): string {
  const letters = "BCDFGHJKLMNPQRSTVWXZ";
  const random = [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => letters[byte % letters.length]);
  const code = `${random.slice(0, 4).join("")}-${random.slice(4).join("")}`;
  const taken = [...state.pending.values()].some(({ userCode }) => userCode === code);
  return taken ? newUserCode(state) : code;
}
