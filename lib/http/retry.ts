/**
 * Trying again, for requests that may safely be repeated.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { isTokenError } from "../errors.ts";
import { givenUp } from "./abort.ts";

/** A server that asks for more than this is better reported than waited for, in seconds. */
const LONGEST_WISH = 10;

/** How often to try again after the first failure. */
const RETRIES = 2;

/** What {@linkcode withRetry} can be told. */
export interface RetryOptions {
  /** Ends the wait between two tries. */
  readonly signal?: AbortSignal;
  /** A number from 0 up to 1. Default: `Math.random`. */
  readonly random?: () => number;
}

/**
 * Repeats an operation that failed in a way that may pass: after 0.2 to 1 s, then to 2 s, 4 s and at most 5 s (full
 * jitter), and never before the server's `Retry-After` is over.
 *
 * Only for requests that a server may see twice: metadata, keys, client credentials. Never for a grant that uses up what
 * it presents, such as a code or a refresh token.
 *
 * @param clock what to wait on
 * @param operation what to do; it gets the number of the try, from 0
 * @throws the last error of `operation`, at once if it is not retryable or its `retryAfter` is above 10 s
 * @throws {TokenError} `aborted` when the signal ends a wait
 */
export async function withRetry<T>(
  clock: Clock,
  operation: () => Promise<T>,
  { signal, random = Math.random }: RetryOptions = {},
): Promise<T> {
  for (let attempt = 0;; attempt++) {
    try {
      return await operation();
    } catch (error) {
      if (!isTokenError(error)) throw error;
      const { retryable, code, retryAfter: wish = 0 } = error;
      // who waited for a whole deadline has waited enough
      const hopeful = retryable && code !== "timeout" && wish <= LONGEST_WISH;
      if (!hopeful || attempt >= RETRIES) throw error;
      const longest = 1000 * 2 ** attempt;
      await clock.sleep(wish * 1000 + 200 + random() * (longest - 200), signal).catch(() => {
        throw givenUp(true);
      });
    }
  }
}
