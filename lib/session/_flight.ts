/**
 * One request that many wait for.
 *
 * @module
 */

import { TokenError } from "../errors.ts";

/** A request under way. */
export interface Flight<T> {
  readonly promise: Promise<T>;
  /** How often everything had been called bad when it began. */
  readonly generation: number;
  /** Ends it. */
  readonly abort: AbortController;
  /** How many would notice its end; `Infinity` when it goes on whoever leaves. */
  waiting: number;
}

/**
 * Waits for a flight. The flight itself ends when the last of those who wait has left.
 *
 * @throws {TokenError} `aborted` when the signal says so, and whatever ends the flight
 */
export function join<T>(flight: Flight<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) {
    flight.waiting = Infinity;
    return flight.promise;
  }
  flight.waiting++;
  return new Promise((resolve, reject) => {
    const leave = () => {
      reject(stopped());
      if (--flight.waiting === 0) flight.abort.abort();
    };
    signal.addEventListener("abort", leave, { once: true });
    flight.promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}

/** What a caller gets whose own signal ended its wait. */
export function stopped(): TokenError {
  return new TokenError("aborted", "The wait for a token was stopped");
}
