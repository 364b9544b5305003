/**
 * One request that many wait for.
 *
 * @module
 */

import { untilAborted } from "../http/abort.ts";

/** A request under way. */
export interface Flight<T> {
  readonly promise: Promise<T>;
  /** How often everything had been called bad when it began. */
  readonly generation: number;
  /** When it began, on the monotonic clock. */
  readonly begun: number;
  /** Ends it. */
  readonly abort: AbortController;
  /** Whether it has come to its end, good or bad. */
  ended: boolean;
  /** How many would notice its end; `Infinity` when it goes on whoever leaves. */
  waiting: number;
}

/**
 * Waits for a flight. The flight itself ends when the last of those who wait has left.
 *
 * @throws {TokenError} `aborted` when the signal says so, and whatever ends the flight
 */
export function join<T>(flight: Flight<T>, signal?: AbortSignal): Promise<T> {
  flight.waiting += signal ? 1 : Infinity;
  return untilAborted(() => flight.promise, signal, undefined, () => {
    if (--flight.waiting === 0) flight.abort.abort();
  });
}
