/**
 * `-o json`: the token and what is known about it.
 *
 * @module
 */

import { timestamp } from "../times.ts";
import type { Answer } from "./answer.ts";

/** The version of this form; it changes only when a member changes its meaning or goes away. */
const FORMAT_VERSION = 1;

/**
 * One JSON object on one line; times as epoch seconds and as RFC 3339 in UTC. An ID token is in `id_token`, so that
 * nobody takes it for an access token.
 */
export function formatJson(answer: Answer): string {
  const { token, isIdToken, tokenType, issuedTokenType, expiresAt, scope, issuer, profile } = answer;
  const members = {
    format_version: FORMAT_VERSION,
    ...(isIdToken ? { id_token: token } : { access_token: token, token_type: tokenType }),
    ...(issuedTokenType ? { issued_token_type: issuedTokenType } : {}),
    expires_at: expiresAt,
    expires: timestamp(expiresAt),
    ...(isIdToken ? {} : { scope: scope ?? null }),
    issuer,
    profile: profile ?? null,
  };
  return escapeControls(JSON.stringify(members)) + "\n";
}

/** A terminal acts on C1 controls and some programs on U+2028 and U+2029, which JSON leaves as they are. */
export function escapeControls(json: string): string {
  return json.replace(/[\x7f-\x9f\u2028\u2029]/g, (character) => {
    return "\\u" + character.charCodeAt(0).toString(16).padStart(4, "0");
  });
}
