/**
 * `-o json`: the token and what is known about it.
 *
 * @module
 */

import type { Answer } from "./answer.ts";

/** The version of this form; it changes only when a member changes its meaning or goes away. */
const FORMAT_VERSION = 1;

/** One JSON object on one line; times as epoch seconds and as RFC 3339 in UTC. */
export function formatJson({ token, tokenType, expiresAt, scope, issuer, profile }: Answer): string {
  const answer = {
    format_version: FORMAT_VERSION,
    access_token: token,
    token_type: tokenType,
    expires_at: expiresAt,
    expires: new Date(expiresAt * 1000).toISOString().replace(".000Z", "Z"),
    scope: scope ?? null,
    issuer,
    profile: profile ?? null,
  };
  return escapeControls(JSON.stringify(answer)) + "\n";
}

/** A terminal acts on C1 controls and some programs on U+2028 and U+2029, which JSON leaves as they are. */
export function escapeControls(json: string): string {
  return json.replace(/[\x7f-\x9f\u2028\u2029]/g, (character) => {
    return "\\u" + character.charCodeAt(0).toString(16).padStart(4, "0");
  });
}
