/**
 * Reading what an OAuth endpoint answers: the members of a good answer, the error of a bad one.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { type ErrorCode, TokenError, type TokenErrorOptions } from "../errors.ts";
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
  try {
    value = parseJson(answer.body);
  } catch (error) {
    const html = type === "text/html";
    throw new TokenError(
      code,
      `Cannot use the answer of ${new URL(answer.url).host}: ${reason(error, html)}`,
      {
        nextStep: html
          ? "Check the URL, or whether this network wants a sign-in first (captive portal)"
          : undefined,
        status: answer.status,
      },
    );
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TokenError(
      code,
      `Cannot use the answer of ${new URL(answer.url).host}: it is not a JSON object`,
    );
  }
  if (!type.endsWith("json")) quirks.report("content-type");
  return value as Members;
}

function reason(error: unknown, html: boolean): string {
  if (html) return "it is a web page, not JSON";
  return error instanceof TokenError ? error.message.replace(/^Cannot [^:]*: /, "") : "it is not JSON";
}

function contentType(answer: HttpAnswer): string {
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
  if (!members || (typeof members.error === "string" && members.access_token === undefined)) {
    if (members) quirks.report("error-with-success-status");
    throw refusal(answer, what, http.clock);
  }
  if (answer.status !== status) quirks.report("success-status");
  return members;
}

/** Errors that say "not now" rather than "no" (RFC 6749 section 4.1.2.1, in use at the token endpoint too). */
const NOT_NOW = ["server_error", "temporarily_unavailable"];

/**
 * The error of an answer that is not a success. The server's `error` survives any status, content type, challenge
 * header and an empty body (RFC 6749 section 5.2, RFC 6750 section 3).
 *
 * @param what the endpoint in words, for the message
 */
export function refusal(answer: HttpAnswer, what: string, clock: Clock): TokenError {
  const { error, description } = errorWords(answer);
  const notNow = error ? NOT_NOW.includes(error) : answer.status >= 500 || answer.status === 429;
  const retryAfter = retryAfterSeconds(answer.headers, clock.now());
  const host = new URL(answer.url).host;
  const words = [error, description].filter(Boolean).map((text) => `"${safeText(text!)}"`).join(": ");
  const options: TokenErrorOptions = {
    status: answer.status,
    retryable: notNow || answer.status === 429,
    serverError: error,
    serverDescription: description,
    retryAfter,
    sent: true,
  };
  const said = words || `status ${answer.status}`;
  if (notNow) return new TokenError("unavailable", `${host} cannot answer for ${what} now: ${said}`, options);
  return new TokenError("server_refused", `${host} refused ${what}: ${said}`, options);
}

function errorWords(answer: HttpAnswer): { error?: string; description?: string } {
  const members = tolerantMembers(answer);
  if (typeof members.error === "string" && members.error) {
    return { error: members.error, description: textOr(members.error_description) };
  }
  // Spring and friends put an object there
  if (typeof members.error_description === "string") return { description: members.error_description };
  const challenge = answer.headers.get("www-authenticate") ?? "";
  const error = parameter(challenge, "error");
  if (error) return { error, description: parameter(challenge, "error_description") };
  return {};
}

function textOr(value: unknown): string | undefined {
  return typeof value === "string" && value ? value : undefined;
}

/** A JSON object or a form, from an error answer of any content type; empty when it is neither. */
function tolerantMembers(answer: HttpAnswer): Members {
  try {
    const value = parseJson(answer.body);
    if (typeof value === "object" && value !== null) return value as Members;
  } catch {
    const text = new TextDecoder().decode(answer.body.subarray(0, 4096));
    if (/^error=[\w.-]+(&|$)/.test(text)) return Object.fromEntries(new URLSearchParams(text));
  }
  return {};
}

function parameter(challenge: string, name: string): string | undefined {
  const match = challenge.slice(0, 16384).match(new RegExp(`(?:^|[\\s,])${name}="([^"\\\\]*)"`, "i"));
  return match?.[1] || undefined;
}
