/**
 * Time, passed in everywhere so that tests can move it.
 *
 * @module
 */

/** Where time comes from. Every function of this package that waits or compares times takes one. */
export interface Clock {
  /** The wall clock, in milliseconds since the epoch. */
  now(): number;
  /** A clock that never goes back, in milliseconds from an arbitrary start. It may stop while the machine sleeps. */
  monotonic(): number;
  /**
   * Waits `milliseconds`, or rejects with the signal's reason as soon as it aborts.
   *
   * @throws the reason of `signal`
   */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** The longest wait that `setTimeout` keeps; a longer one would fire at once. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep,
};

async function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  let left = milliseconds;
  do {
    const step = Math.min(left, LONGEST_TIMEOUT);
    await wait(step, signal);
    left -= step;
  } while (left > 0);
}

function wait(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const abort = () => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", abort, { once: true });
  });
}
