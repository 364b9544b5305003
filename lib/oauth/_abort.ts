/**
 * Leaving without waiting for those who do not listen to a signal.
 *
 * @module
 */

import { TokenError } from "../errors.ts";

/**
 * Waits for `work`, until the signal aborts: then at once no longer, even if the work is a key download that others
 * share or somebody's secret manager.
 *
 * @throws {TokenError} `aborted`
 */
export function untilAborted<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return work();
  if (signal.aborted) return Promise.reject(givenUp(false));
  return new Promise((resolve, reject) => {
    const leave = () => reject(givenUp(true));
    signal.addEventListener("abort", leave, { once: true });
    work().then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}

function givenUp(sent: boolean): TokenError {
  return new TokenError("aborted", "The request was given up before it was answered", { sent });
}
