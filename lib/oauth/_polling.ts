/**
 * Waiting for a person on another device: the polling of RFC 8628 section 3.5, which CIBA shares.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { isTokenError, TokenError } from "../errors.ts";
import { givenUp } from "../http/abort.ts";

/** One wait. */
export interface Polling<T> {
  readonly clock: Clock;
  /** Seconds between an answer and the next question. */
  readonly interval: number;
  /** When the codes run out, on the monotonic clock. */
  readonly deadline: number;
  readonly signal?: AbortSignal;
  readonly attempt: (signal?: AbortSignal) => Promise<T>;
}

/** How long to wait between two questions when the server does not say, in seconds. */
export const DEFAULT_INTERVAL = 5;
/** What `slow_down` adds, in seconds (RFC 8628 section 3.5). */
const SLOW_DOWN = 5;
/** The longest pause after a failed connection, in seconds. */
const LONGEST_PAUSE = 60;

/**
 * Asks until there is an answer that ends the wait.
 *
 * @throws {TokenError} `expired_code` at the deadline, `aborted`, or whatever ends the wait
 */
export async function poll<T>({ clock, interval, deadline, signal, attempt }: Polling<T>): Promise<T> {
  let seconds = Math.min(Math.max(interval, 1), 300);
  let failures = 0;
  let lastFailure: TokenError | undefined;
  let wish = 0;
  for (;;) {
    const backoff = failures ? Math.min(seconds * 2 ** failures, Math.max(LONGEST_PAUSE, seconds)) : seconds;
    const pause = Math.max(backoff, wish);
    const left = deadline - clock.monotonic();
    await clock.sleep(Math.min(pause * 1000, Math.max(left, 0)), signal).catch(() => {
      throw givenUp(true);
    });
    if (clock.monotonic() >= deadline) {
      throw ranOut(lastFailure && `; the last attempt failed: ${lastFailure.message}`);
    }
    try {
      return await attempt(signal);
    } catch (error) {
      if (!isTokenError(error)) throw error;
      wish = error.retryAfter ?? 0;
      if (error.serverError === "slow_down") {
        seconds = Math.max(seconds + SLOW_DOWN, wish);
        failures = 0;
      } else if (error.serverError === "authorization_pending") {
        failures = 0;
      } else if (error.retryable) {
        failures++;
        lastFailure = error;
      } else throw ended(error);
    }
  }
}

function ended(error: TokenError): TokenError {
  const words = error.serverDescription ?? error.serverError;
  switch (error.serverError) {
    case "expired_token":
      return ranOut("", error);
    case "access_denied":
    case "authorization_declined": // Entra ID
      return new TokenError("access_denied", `The sign-in was denied: "${words}"`, { ...error });
    default:
      return error;
  }
}

function ranOut(more = "", error?: TokenError): TokenError {
  return new TokenError("expired_code", `The code ran out before anybody entered it${more}`, {
    ...error,
    nextStep: "Start the sign-in again",
  });
}
