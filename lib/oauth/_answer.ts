/**
 * Reading what an OAuth endpoint answers: the members of a good answer, the error of a bad one.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { type ErrorCode, TokenError } from "../errors.ts";
import { challengeParameters } from "../http/challenge.ts";
import type { HttpAnswer } from "../http/http.ts";
import { parseJson } from "../http/json.ts";
import { retryAfterSeconds } from "../http/retry_after.ts";
import { safeText } from "../safe_text.ts";
import type { Members, Quirks } from "./quirks.ts";

/** Who was asked, as far as reading its answers goes. */
export interface Asked {
  readonly http: { readonly clock: Clock };
  readonly quirks: Quirks;
}

/** The JSON object of a good answer, whatever its content type says. */
export function readMembers(
  answer: HttpAnswer,
  quirks: Quirks,
  code: ErrorCode = "invalid_response",
): Members {
  const type = contentType(answer);
  let value: unknown;
  let problem = "it is not a JSON object";
  try {
    value = parseJson(answer.body);
  } catch (error) {
    problem = (error as Error).message.replace(/^[^:]*: /, "");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    // a web page with a success status is somebody in between speaking, and not for ever
    const retryable = type === "text/html";
    throw new TokenError(code, `Cannot use the answer of ${new URL(answer.url).host}: ${problem}`, {
      nextStep: retryable ? "Check the URL, or sign in to this network first (captive portal)" : undefined,
      status: answer.status,
      retryable,
      sent: true,
    });
  }
  if (!type.endsWith("json")) quirks.report("content-type");
  return value as Members;
}

/** The error of an answer that breaks the protocol. */
export function unusableAnswer(why: string): TokenError {
  return new TokenError("invalid_response", `Cannot use the server's answer: ${why}`);
}

/** The media type of an answer, without parameters and in small letters. */
export function contentType(answer: HttpAnswer): string {
  return (answer.headers.get("content-type") ?? "").split(";")[0].trim().toLowerCase();
}

/**
 * The members of an answer that must be a success.
 *
 * @param what the endpoint in words, for the message
 * @param status the success status that the standard names
 * @throws {TokenError} the {@linkcode refusal} of anything else, also of an `error` that came with a success status
 */
export function successMembers(answer: HttpAnswer, issuer: Asked, what: string, status = 200): Members {
  const { http, quirks } = issuer;
  const members = answer.status < 400 ? readMembers(answer, quirks) : undefined;
  if (!members || (typeof members.error === "string" && !members.access_token)) {
    if (members) quirks.report("error-with-success-status");
    throw refusal(answer, what, http.clock);
  }
  if (answer.status !== status) quirks.report("success-status");
  return members;
}

/** Errors that say "not now" rather than "no" (RFC 6749 section 4.1.2.1, in use at the token endpoint too). */
const NOT_NOW = ["server_error", "temporarily_unavailable"];
/**
 * Errors of the standards that stand whatever the status. Any other word in a 5xx or 429 is the server's own trouble:
 * Keycloak says `unknown_error`, Spring (INDIGO IAM) `Service Unavailable`.
 */
const FINAL =
  /^(invalid_|unauthorized_|unsupported_|insufficient_|authorization_|expired_|access_denied$|slow_down$|use_dpop_nonce$)/;

/** Whether an error of this name and status may pass by itself. */
export function isNotNow(error: string | undefined, status?: number): boolean {
  if (error !== undefined && NOT_NOW.includes(error)) return true;
  return status !== undefined && (status >= 500 || status === 429) && !FINAL.test(error ?? "");
}

/** An answer, with the secrets of the request that it answers: some servers quote them in their errors. */
export interface EndpointAnswer extends HttpAnswer {
  readonly secrets?: readonly string[];
}

/**
 * The error of an answer that is not a success. The server's `error` survives any status, content type, challenge
 * header and an empty body (RFC 6749 section 5.2, RFC 6750 section 3). A secret that it quotes does not.
 *
 * @param what the endpoint in words, for the message
 */
export function refusal(answer: EndpointAnswer, what: string, clock: Clock): TokenError {
  const { error, description, interval } = errorWords(answer);
  const notNow = isNotNow(error, answer.status);
  const badClient = error === "invalid_client" || (error === undefined && answer.status === 401);
  const said = `${notNow ? `cannot answer for ${what} now` : `refused ${what}`}: ${
    quoted(error, description) || `status ${answer.status}`
  }`;
  return new TokenError(
    notNow ? "unavailable" : "server_refused",
    `${new URL(answer.url).host} ${said}`,
    {
      nextStep: badClient ? "Check the client id and the client secret" : undefined,
      status: answer.status,
      retryable: notNow,
      serverError: error,
      serverDescription: description,
      retryAfter: retryAfterSeconds(answer.headers, clock.now()) ?? interval,
      sent: true,
    },
  );
}

/** The server's words as they stand in a message. */
export function quoted(...words: (string | undefined)[]): string {
  return words.filter(Boolean).map((text) => `"${safeText(text!)}"`).join(": ");
}

interface ErrorWords {
  readonly error?: string;
  readonly description?: string;
  /** The pause between two questions that came with a `slow_down`, in seconds. */
  readonly interval?: number;
}

/** What an answer says of an error: in its body, or else in its challenge. */
export function errorWords(answer: EndpointAnswer): ErrorWords {
  const members = tolerantMembers(answer);
  const challenge = challengeParameters(answer.headers);
  // a shorter one would tear the words apart, and is no secret
  const secrets = answer.secrets?.filter((secret) => secret.length > 3) ?? [];
  const read = (name: string) => {
    // Spring and friends put an object there
    const text = typeof members[name] === "string" ? members[name] : challenge.get(name) ?? "";
    return secrets.reduce((clean, secret) => clean.replaceAll(secret, "…"), text) || undefined;
  };
  const error = read("error");
  const interval = error === "slow_down" ? Number(members.interval) || undefined : undefined;
  return { error, description: read("error_description"), interval };
}

/**
 * A JSON object or a form, from an error answer of any content type and encoding; empty when it is neither. Only words
 * for a person are taken from it, so it need not be strict.
 */
function tolerantMembers(answer: HttpAnswer): Members {
  const text = new TextDecoder().decode(answer.body);
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value as Members : {};
  } catch {
    const form = text.slice(0, 4096);
    return /^(\w+=[^&\s]*&)*error=[\w.-]+(&|\s*$)/.test(form)
      ? Object.fromEntries(new URLSearchParams(form.trim()))
      : {};
  }
}

/**
 * A member that must be a text.
 *
 * @throws {TokenError} `invalid_response`, naming it
 */
export function textMember(members: Members, name: string): string {
  const value = members[name];
  if (typeof value === "string" && value !== "") return value;
  throw unusableAnswer(`its "${name}" is missing or no text`);
}

/**
 * A member that must be a count of seconds.
 *
 * @throws {TokenError} `invalid_response`, naming it
 */
export function secondsMember(members: Members, name: string): number {
  const value = members[name];
  if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
  throw unusableAnswer(`its "${name}" is missing or no count of seconds`);
}
