/**
 * What comes back to the redirect URI: checked before anything of it is used (RFC 6749 section 4.1.2, RFC 9207, JARM).
 *
 * @module
 */

import { AuthorizationResponseError, validateAuthResponse, validateJwtAuthResponse } from "oauth4webapi";
import { TokenError } from "../errors.ts";
import { safeText } from "../safe_text.ts";
import { isNotNow, quoted, unusableAnswer } from "./_answer.ts";
import { decrypted, isEncrypted } from "./_decryption.ts";
import { guarded, protocolClient } from "./_protocol.ts";
import type { Client } from "./client.ts";
import { asServer, type Issuer } from "./issuer.ts";
import { keyOptions } from "./_keys.ts";
import { unverifiedClaims } from "./jwt.ts";

/** The parameters of an answer that may come as a whole address. */
export function answerParameters(answer: URLSearchParams | URL | string): URLSearchParams {
  if (answer instanceof URLSearchParams) return answer;
  if (URL.canParse(String(answer))) return new URL(String(answer)).searchParams;
  throw new TokenError("invalid_argument", "Cannot use this as the answer of the sign-in", {
    nextStep: "Paste the whole address, from http to the end",
  });
}

/**
 * Whether an answer is for the request with this `state`; of a signed answer, what it claims to be for. An encrypted
 * one does not say.
 */
export function isAnswerFor(state: string, parameters: URLSearchParams, { decrypt }: Client): boolean {
  const [response] = parameters.getAll("response");
  if (response !== undefined) {
    return (decrypt && isEncrypted(response)) || unverifiedClaims(response)?.state === state;
  }
  return parameters.getAll("state").length === 1 && parameters.get("state") === state;
}

/**
 * The authorization code of an answer: `state` and `iss` are ours, nothing is there twice, a signed answer verifies.
 *
 * @throws {TokenError} `access_denied` or `server_refused` when the answer is a refusal, `invalid_response` when it is
 * not for this request or has no code
 */
export async function authorizationCode(
  issuer: Issuer,
  client: Client,
  parameters: URLSearchParams,
  state: string,
  signed: boolean,
): Promise<string> {
  for (const name of new Set(parameters.keys())) {
    if (parameters.getAll(name).length > 1) {
      throw unusableAnswer(`its "${safeText(name, 40)}" is there twice`);
    }
  }
  if (signed !== parameters.has("response")) {
    throw unusableAnswer(signed ? "it is not signed" : "it is signed unasked");
  }
  const readable = new URLSearchParams(parameters);
  if (signed) readable.set("response", await decrypted(client, parameters.get("response")!));
  const checked = await guarded(() => validate(issuer, client, readable, state, signed));
  // RFC 9700 section 2.1.2: nobody asked for one here, where others can read it
  if (checked.has("access_token")) throw unusableAnswer("it holds an access token");
  const code = checked.get("code");
  if (!code) throw unusableAnswer("it has no authorization code");
  // 1*VSCHAR (RFC 6749 appendix A.11)
  if (!/^[ -~]+$/.test(code)) throw unusableAnswer("its authorization code has characters that no code has");
  return code;
}

async function validate(
  issuer: Issuer,
  client: Client,
  parameters: URLSearchParams,
  state: string,
  signed: boolean,
): Promise<URLSearchParams> {
  const who = protocolClient(issuer, client);
  try {
    return signed
      ? await validateJwtAuthResponse(asServer(issuer), who, parameters, state, keyOptions(issuer))
      : validateAuthResponse(asServer(issuer), who, parameters, state);
  } catch (error) {
    throw error instanceof AuthorizationResponseError ? refused(error) : error;
  }
}

function refused({ error, error_description: description }: AuthorizationResponseError): TokenError {
  const code = error === "access_denied" ? error : isNotNow(error) ? "unavailable" : "server_refused";
  return new TokenError(code, `The sign-in was refused: ${quoted(error, description)}`, {
    serverError: error,
    serverDescription: description,
  });
}
