/**
 * Who somebody is, from the claims of an ID token.
 *
 * @module
 */

import type { IdTokenClaims } from "../oauth/token_set.ts";
import { safeText } from "../safe_text.ts";

/** The name that the person knows best, or the subject. */
export function person(claims: IdTokenClaims): string {
  const { name, preferred_username: username, email } = claims;
  const known = [name, username, email].filter((claim): claim is string =>
    typeof claim === "string" && claim !== ""
  );
  if (known.length === 0) return safeText(claims.sub, 80);
  const [first, second] = known;
  return second && second !== first
    ? `${safeText(first, 80)} (${safeText(second, 80)})`
    : safeText(first, 80);
}
