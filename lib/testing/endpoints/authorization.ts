/**
 * The authorization endpoint (RFC 6749 section 3.1). There is no page: whoever comes is signed in, or what the test says.
 *
 * @module
 */

import { redirect } from "../answers.ts";
import { type AddressedRequest, addressedRequest, checkedRequest } from "../authorization_request.ts";
import { randomText } from "../bytes.ts";
import { type Call, type Decision, seconds, withoutRepetition } from "../call.ts";
import { someone } from "../people.ts";
import type { AuthorizationRequest, State } from "../state.ts";
import { openGrant } from "../tokens.ts";

/** Answers an authorization request with a redirect; with an error that only the person sees when it has no address. */
export async function authorization(call: Call): Promise<Response> {
  const request = await addressedRequest(call, withoutRepetition(call.request.parameters), false);
  return redirect(await callback(call, request, await answer(call, request)));
}

/** The code, or the error. */
async function answer(call: Call, addressed: AddressedRequest): Promise<Record<string, string>> {
  try {
    const request = checkedRequest(call, addressed);
    return call.decision?.deny
      ? { error: "access_denied" }
      : { code: newCode(call.state, request, call.decision) };
  } catch (thrown) {
    if (thrown instanceof Response) return await thrown.json();
    throw thrown;
  }
}

function newCode(state: State, request: AuthorizationRequest, decision: Decision = {}): string {
  const nonce = request.parameters.get("nonce");
  const grant = openGrant(state, {
    clientId: request.clientId,
    subject: decision.subject ?? someone(state),
    scope: request.scope,
    audience: request.audience,
    authTime: seconds(state),
    ...(nonce === null ? {} : { nonce }),
    ...(request.details === undefined ? {} : { details: request.details }),
  });
  const code = randomText();
  const expiresAt = state.clock.now() + state.settings.authorizationCodeLifetime * 1000;
  state.codes.set(code, { request, grant, expiresAt, used: false });
  return code;
}

/** The redirect URI with the answer in its query; as one signed JWT when the request wants JARM. */
async function callback(
  call: Call,
  { client, parameters, redirectUri }: AddressedRequest,
  answer: Record<string, string>,
): Promise<string> {
  const { state, decision } = call;
  const wantsJwt = parameters.get("response_mode")?.endsWith("jwt") ?? false;
  const members: Record<string, string | null> = {
    ...answer,
    state: parameters.get("state"),
    iss: state.settings.issParameter || wantsJwt ? state.issuer : null,
    ...decision?.tamper,
  };
  const present = Object.entries(members).filter((entry): entry is [string, string] => entry[1] !== null);
  const url = new URL(redirectUri);
  if (wantsJwt) {
    const claims = { aud: client.clientId, exp: seconds(state) + 600, ...Object.fromEntries(present) };
    url.searchParams.set("response", await state.keys.sign({}, claims));
  } else {
    for (const [name, value] of present) url.searchParams.set(name, value);
  }
  return url.href;
}
