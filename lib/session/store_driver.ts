/**
 * The refresh protocol's ground past one machine: a store with compare-and-set, and a lease in place of a lock.
 *
 * A lease ends by itself, so its holder may have lost it without knowing. Three things make up for that:
 *
 * - Right before a refresh token is sent, the lease lasts for longer than the whole exchange may take, by the wall clock
 *   and by the monotonic one; else it is renewed, and whoever cannot renew it sends nothing.
 * - Whatever is written under a lease is written by compare-and-set against what was read under it: who lost the lease
 *   cannot write over what the next one has committed.
 * - It is short until a refresh token is about to be sent, so that one who dies before is not waited for.
 *
 * What it cannot: notice a process that stands still between the last look at the clock and the first byte sent.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { isTokenError, TokenError } from "../errors.ts";
import { givenUp } from "../http/abort.ts";
import type { Lease, Store } from "../store/store.ts";

/** How long a lease lasts until a refresh token is about to be sent, in milliseconds. */
const SHORT = 10_000;
/** What a presentation needs besides the exchange with the server: to write the answer down and to commit it. */
const TO_COMMIT = 10_000;
/** And how much longer the lease lasts than both, in milliseconds. */
const MARGIN = 20_000;
/** A commit is not begun anew when less than this is left of the lease, in milliseconds. */
const LAST_CALL = 5000;
/** How long another holder is waited for, in milliseconds: longer than its lease can last. */
const PATIENCE = 60_000;
/** The pauses between two tries for the lease, in milliseconds: the first, and the longest. */
const FIRST_PAUSE = 20;
const LONGEST_PAUSE = 200;

/** What {@linkcode storeDriver} stands on. */
export interface StoreDriverOptions {
  /** Where the session is: compare-and-set, durable, and strong in what it reads. */
  readonly sessions: Store;
  /** Asks for the lease of this sign-in. */
  readonly lease: (milliseconds: number) => Promise<Lease | undefined>;
  readonly clock: Clock;
  /** How long the exchange with the server may take, in milliseconds. */
  readonly exchange: number;
  /** From 0 to 1, for the pauses. Default: `Math.random`. */
  readonly random?: () => number;
}

/** The ground of one run. */
export interface StoreDriver {
  /** The sessions; what was received is written again and again while the store is down and the lease lasts. */
  readonly sessions: Store;
  /**
   * Takes the lease. Between two tries it asks `done`; without `done` there is one try.
   *
   * @returns what gives it back, or `undefined` when it was not had
   * @throws {TokenError} `storage`, `timeout`, or `aborted`
   */
  lock(done?: () => Promise<boolean>, signal?: AbortSignal): Promise<(() => Promise<void>) | undefined>;
  /**
   * Sees to it that the lease outlasts a presentation.
   *
   * @throws {TokenError} `storage` when it is lost, or when the store does not answer
   */
  secure(): Promise<void>;
  /** Whether a lease of this run was lost before a refresh token was sent under it: then another run may do better. */
  lost(): boolean;
}

interface Held {
  readonly lease: Lease;
  /** When it ends, by the wall clock and by the monotonic one. */
  ends: readonly [wall: number, instant: number];
}

/** Makes the ground of one run. */
export function storeDriver(options: StoreDriverOptions): StoreDriver {
  const { sessions, lease, clock, exchange, random = Math.random } = options;
  const needed = exchange + TO_COMMIT;
  let held: Held | undefined;
  let isLost = false;

  const endsIn = (milliseconds: number) =>
    [clock.now() + milliseconds, clock.monotonic() + milliseconds] as const;

  /** Milliseconds, by the clock that is more anxious. */
  function left(): number {
    return held ? Math.min(held.ends[0] - clock.now(), held.ends[1] - clock.monotonic()) : 0;
  }

  async function take(): Promise<(() => Promise<void>) | undefined> {
    // counted from before it was asked for: the store counts from later
    const ends = endsIn(SHORT);
    const given = await lease(SHORT);
    if (!given) return undefined;
    held = { lease: given, ends };
    return async () => {
      held = undefined;
      await given.release();
    };
  }

  async function wait(milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) throw givenUp(false);
    await clock.sleep(milliseconds, signal).catch((error) => {
      throw signal?.aborted ? givenUp(false) : error;
    });
  }

  return {
    sessions: {
      ...sessions,
      compareAndSet: async (key, expected, value) => {
        for (let pause = FIRST_PAUSE;; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
          try {
            return await sessions.compareAndSet(key, expected, value);
          } catch (error) {
            const mayPass = isTokenError(error) && error.code === "storage" && error.retryable;
            if (!mayPass || left() < LAST_CALL) throw error;
          }
          await clock.sleep(pause);
        }
      },
    },
    lock: async (done, signal) => {
      const patience = clock.monotonic() + PATIENCE;
      for (let pause = FIRST_PAUSE;; pause = Math.min(pause * 1.5, LONGEST_PAUSE)) {
        const release = await take();
        if (release || !done) return release;
        if (clock.monotonic() >= patience) {
          throw new TokenError("timeout", "Another process has been renewing this token for too long", {
            nextStep: "Try again",
            retryable: true,
          });
        }
        await wait(pause * (0.5 + random() / 2), signal);
        if (await done()) return undefined;
      }
    },
    secure: async () => {
      // a second time where this process stood still meanwhile
      for (let tries = 0; tries < 3 && held; tries++) {
        if (left() >= needed) return;
        const ends = endsIn(needed + MARGIN);
        if (await held.lease.renew(needed + MARGIN) === undefined) break;
        held.ends = ends;
      }
      if (left() >= needed) return;
      isLost = true;
      throw new TokenError("storage", "Cannot renew the token: this process stood still, and lost its turn", {
        nextStep: "Try again",
        retryable: true,
      });
    },
    lost: () => isLost,
  };
}
