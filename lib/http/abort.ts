/**
 * Leaving without waiting for those who do not listen to a signal.
 *
 * @module
 */

import { TokenError } from "../errors.ts";

/**
 * Waits for `work`, until the signal aborts: then at once no longer, even if the work is a `fetch` that was passed in, a
 * key download that others share or somebody's secret manager.
 *
 * @param host who is asked, fit to be shown
 * @param left called when the signal has ended the wait
 * @throws {TokenError} `aborted`
 */
export function untilAborted<T>(
  work: () => Promise<T>,
  signal?: AbortSignal,
  host?: string,
  left?: () => void,
): Promise<T> {
  if (!signal) return work();
  if (signal.aborted) return Promise.reject(givenUp(false, host));
  return new Promise((resolve, reject) => {
    const leave = () => {
      reject(givenUp(true, host));
      left?.();
    };
    signal.addEventListener("abort", leave, { once: true });
    work().then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}

/**
 * Why the rest of something is ended whose outcome is known: given to `abort`, which would else make an error with a
 * stack trace that nobody reads, for each of ten thousand callers.
 */
export const OVER = "it is over";

/** What a caller gets whose own signal ended its wait. */
export function givenUp(sent: boolean, host = "the server"): TokenError {
  return new TokenError("aborted", `The request to ${host} was given up`, { sent });
}
