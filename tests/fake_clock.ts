/** A clock that stands still until a test moves it. */

import { setImmediate } from "node:timers";
import type { Clock } from "../lib/clock.ts";

/** A clock that a test moves. */
export interface FakeClock extends Clock {
  /**
   * Moves both clocks forward. Every sleep that ends on the way ends at its own moment, in order, and what it wakes may
   * sleep again within the same move.
   */
  advance(milliseconds: number): Promise<void>;
  /** How many sleeps are under way. */
  waiting(): number;
  /** Waits, in real time, until at least `count` (default: 1) sleeps are under way. */
  untilWaiting(count?: number): Promise<void>;
}

/** What Web Crypto is doing: it takes real time, in threads of its own, and tells nobody when it will be done. */
const cryptography = { begun: 0, underWay: 0, isWatched: false };

/** The shortest sleep, in milliseconds. */
const SHORTEST = 1 / 1024;

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

/** Makes a clock that stands at `start`, in milliseconds since the epoch. Its monotonic clock starts at 0. */
export function fakeClock(start = Date.UTC(2026, 0, 1)): FakeClock {
  watchCryptography();
  let elapsed = 0;
  const sleepers = new Set<Sleeper>();
  const watchers = new Set<() => void>();

  function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (!(milliseconds > 0)) return resolve();
      const end = () => {
        sleepers.delete(sleeper);
        signal?.removeEventListener("abort", abort);
      };
      const abort = () => {
        end();
        reject(signal!.reason);
      };
      const sleeper = {
        // what is left of a sleep by rounding would end at the moment at which it began, again and again
        due: elapsed + Math.max(milliseconds, SHORTEST),
        wake: () => {
          end();
          resolve();
        },
      };
      sleepers.add(sleeper);
      signal?.addEventListener("abort", abort);
      for (const look of watchers) look();
    });
  }

  async function advance(milliseconds: number): Promise<void> {
    const target = elapsed + milliseconds;
    await settled();
    for (let next = first(sleepers); next && next.due <= target; next = first(sleepers)) {
      elapsed = next.due;
      next.wake();
      await settled();
    }
    elapsed = target;
  }

  function untilWaiting(count = 1): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (sleepers.size < count) return;
        watchers.delete(look);
        resolve();
      };
      watchers.add(look);
      look();
    });
  }

  return {
    now: () => start + elapsed,
    monotonic: () => elapsed,
    sleep,
    advance,
    waiting: () => sleepers.size,
    untilWaiting,
  };
}

function first(sleepers: Set<Sleeper>): Sleeper | undefined {
  return [...sleepers].sort((one, other) => one.due - other.due)[0];
}

/**
 * Lets everything run that does not wait for anything outside: a turn of the event loop empties all queues of promises.
 * What is signed, encrypted or hashed meanwhile is waited for, however long a busy machine takes for it: else the clock
 * would run past a deadline in the middle of it.
 */
async function settled(): Promise<void> {
  for (;;) {
    const { begun, underWay } = cryptography;
    await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
    if (underWay === 0 && cryptography.begun === begun) return;
  }
}

const OPERATIONS = [
  ...["decrypt", "deriveBits", "deriveKey", "digest", "encrypt", "exportKey"],
  ...["generateKey", "importKey", "sign", "unwrapKey", "verify", "wrapKey"],
];

/** Counts the operations of Web Crypto, from now on. */
function watchCryptography(): void {
  if (cryptography.isWatched) return;
  cryptography.isWatched = true;
  type Operation = (this: unknown, ...values: unknown[]) => Promise<unknown>;
  const prototype: Record<string, Operation> = Object.getPrototypeOf(crypto.subtle);
  const end = () => void cryptography.underWay--;
  for (const name of OPERATIONS) {
    const operation = prototype[name];
    prototype[name] = function (...values) {
      const result = operation.apply(this, values);
      cryptography.begun++;
      cryptography.underWay++;
      result.then(end, end);
      return result;
    };
  }
}
