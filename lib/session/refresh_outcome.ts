/**
 * What an error says about a refresh token that was presented.
 *
 * @module
 */

import type { ErrorCode, TokenError } from "../errors.ts";
import type { Event, Kept } from "./refresh_events.ts";

/** What ends an exchange without saying whether the server has carried the request out. */
const SILENCE: readonly ErrorCode[] = ["network", "timeout", "unavailable", "invalid_response", "aborted"];

/**
 * What is known of a refresh token whose presentation failed.
 *
 * Not processed: what never left, a 429, and a 503 that says when to come back. Dead: `invalid_grant`. Refused: any
 * other error of the client's making. All else is unclear: a lost answer, a 5xx, a redirect, an answer that is too long.
 */
export function outcomeOf<K extends Kept, T>(error: TokenError): Event<K, T> {
  const { code, serverError, status, retryAfter, sent } = error;
  if (serverError === "invalid_grant") return { is: "dead", error };
  const isLater = status === 429 || (status === 503 && retryAfter !== undefined);
  if (isLater) return { is: "unsent", error };
  if (!SILENCE.includes(code)) return { is: "refused", error };
  return sent === false ? { is: "unsent", error } : { is: "unclear", error };
}
