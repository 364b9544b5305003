/**
 * Reading what an OAuth endpoint answers: the members of a good answer, the error of a bad one.
 *
 * @module
 */

import { type ErrorCode, TokenError } from "../errors.ts";
import { challengeParameters } from "../http/challenge.ts";
import type { HttpAnswer } from "../http/http.ts";
import { parseJson } from "../http/json.ts";
import { safeText } from "../safe_text.ts";
import { formEncode, toBase64Url, utf8 } from "./_encodings.ts";
import type { Members, Quirks } from "./quirks.ts";

/** The JSON object of a good answer, whatever its content type says. */
export function readMembers(
  answer: HttpAnswer,
  quirks: Quirks,
  code: ErrorCode = "invalid_response",
): Members {
  const type = contentType(answer);
  // a web page with a success status is somebody in between speaking, and not for ever
  const retryable = type === "text/html";
  const unusable = (why: string) =>
    new TokenError(code, `Cannot use the answer of ${new URL(answer.url).host}: ${why}`, {
      nextStep: retryable ? "Check the URL, or sign in to this network first (captive portal)" : undefined,
      status: answer.status,
      retryable,
      sent: true,
    });
  const value = parseJson(answer.body, unusable);
  if (Object(value) !== value || Array.isArray(value)) {
    throw unusable("it is not a JSON object");
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
 * The members of an answer that is a success by its status.
 *
 * @param what the endpoint in words, for the message
 * @param status the success status that the standard names
 * @throws {TokenError} the {@linkcode refusal} of an `error` that came with a success status
 */
export function successMembers(
  answer: EndpointAnswer,
  { quirks }: { readonly quirks: Quirks },
  what: string,
  status = 200,
): Members {
  const members = readMembers(answer, quirks);
  if (typeof members.error === "string" && !members.access_token) {
    quirks.report("error-with-success-status");
    throw refusal(answer, what);
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
const FINAL = /^(invalid|unauthorized|unsupported|insufficient|authorization|expired|access|slow|use)_/;

/** Whether an error of this name and status may pass by itself. */
export function isNotNow(error = "", status = 0): boolean {
  return NOT_NOW.includes(error) || (status >= 500 || status === 429) && !FINAL.test(error);
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
export function refusal(answer: EndpointAnswer, what: string): TokenError {
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
      serverError: error,
      serverDescription: description,
      retryAfter: answer.retryAfter ?? interval,
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
  const secrets = answer.secrets?.flatMap(spellings) ?? [];
  const read = (name: string) => {
    // Spring and friends put an object there
    const text = typeof members[name] === "string" ? members[name] : challenge.get(name) ?? "";
    return secrets.reduce((clean, secret) => clean.replaceAll(secret, "…"), visible(text)) || undefined;
  };
  const error = read("error");
  const interval = error === "slow_down" ? Number(members.interval) || undefined : undefined;
  return { error, description: read("error_description"), interval };
}

/** What a reader sees of a text: what nobody sees must not hide a secret from us. */
function visible(text: string): string {
  return safeText(text, Infinity);
}

/** How a server may write a secret that it quotes: as it is, in JSON, in a URL, in a form, in Base64 of both kinds. */
function spellings(secret: string): string[] {
  const base64 = toBase64Url(utf8(secret));
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret.toWellFormed()),
    formEncode(secret),
    base64,
    base64.replaceAll("-", "+").replaceAll("_", "/"),
    // a shorter one would tear the words apart, and is no secret
  ].map(visible).filter(({ length }) => length > 3);
}

/**
 * A JSON object or a form, from an error answer of any content type and encoding; empty when it is neither. Only words
 * for a person are taken from it, so it need not be strict.
 */
function tolerantMembers(answer: HttpAnswer): Members {
  const text = new TextDecoder().decode(answer.body);
  try {
    // anything but an object has no such words
    return Object(JSON.parse(text));
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
