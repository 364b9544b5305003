/**
 * The refresh protocol's ground past one machine: a store with compare-and-set, and a lease in place of a lock.
 *
 * A lease ends by itself, so its holder may have lost it without knowing. Four things make up for that:
 *
 * - It lasts for less than a second, and its holder renews it while it works: one who died is not waited for.
 * - Right before a refresh token is sent whose second presentation might end the sign-in, the lease is made to last for
 *   longer than the whole exchange may take, by the wall clock and by the monotonic one; whoever cannot do that sends
 *   nothing. As soon as the answer is written down where the next holder finds it, the lease is short again.
 * - Where the server is known not to replace refresh tokens, or to forgive a second presentation, it stays short: there
 *   whoever comes next presents the same one at once, in time to be forgiven.
 * - Whatever is written under a lease is written by compare-and-set against what was read under it: who lost the lease
 *   cannot write over what the next one has committed.
 *
 * What it cannot: notice a process that stands still between the last look at the clock and the first byte sent.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { isTokenError, TokenError } from "../errors.ts";
import { givenUp, OVER } from "../http/abort.ts";
import type { Lease, Store } from "../store/store.ts";

/** How long a lease lasts without a renewal, in milliseconds, and how often in that time it is renewed. */
const LIFE = 750;
const BEATS = 3;
/** The longest that it gets where the store is slow or this process is busy, in milliseconds. */
const LONGEST_LIFE = 12_000;
/** What a presentation needs besides the exchange with the server: to write the answer down and to commit it. */
const TO_COMMIT = 10_000;
/** And how much longer the lease lasts than both, in milliseconds. */
const MARGIN = 20_000;
/** How long a commit is tried where nothing was presented, in milliseconds. */
const TO_WRITE = 5000;
/** How long another holder is waited for, in milliseconds: longer than its lease can last. */
const PATIENCE = 60_000;
/** The pauses between two tries for the lease, in milliseconds: the first, and the longest. */
const FIRST_PAUSE = 20;
const LONGEST_PAUSE = 150;

/** What {@linkcode storeDriver} stands on. */
export interface StoreDriverOptions {
  /** Where the session is: compare-and-set, durable, and strong in what it reads. */
  readonly sessions: Store;
  /** Asks for the lease of this sign-in. */
  readonly lease: (milliseconds: number) => Promise<Lease | undefined>;
  readonly clock: Clock;
  /** How long the exchange with the server may take, in milliseconds. */
  readonly exchange: number;
  /** How often a run of this kind has lost its lease before: then it needs a longer one. Default: 0. */
  readonly losses?: number;
  /** Does something again and again, until the returned function is called. Default: by the clock. */
  readonly every?: (milliseconds: number, work: () => Promise<void>) => () => void;
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
   * Makes sure of the lease: right before something is sent.
   *
   * @param alone whether nobody else may send the same before the exchange and the commit are over, whatever becomes of
   * this process
   * @throws {TokenError} `storage` when it is lost, or when the store does not answer
   */
  secure(alone: boolean): Promise<void>;
  /** The answer is written down: whoever comes next may go on from there. Never fails. */
  received(): Promise<void>;
  /** Whether a lease of this run was lost before a refresh token was sent under it: then another run may do better. */
  lost(): boolean;
}

interface Held {
  readonly lease: Lease;
  /** Ends the renewals. */
  readonly rest: () => void;
  /** When it ends, by the wall clock and by the monotonic one. */
  ends: readonly [wall: number, instant: number];
  /** Whether somebody may be waiting for its end who must wait. */
  alone: boolean;
  /** Whether a renewal was not answered: it may come late, and make a longer lease short. */
  uncertain: boolean;
}

/** Makes the ground of one run. */
export function storeDriver(options: StoreDriverOptions): StoreDriver {
  const { sessions, lease, clock, exchange, losses = 0, random = Math.random } = options;
  const every = options.every ?? ((milliseconds, work) => byClock(clock, milliseconds, work));
  const needed = exchange + TO_COMMIT;
  let life = Math.min(LIFE * 4 ** losses, LONGEST_LIFE);
  let held: Held | undefined;
  let isLost = false;
  /** Until when a write is tried again, on the monotonic clock: it is safe at any time, but not worth any wait. */
  let writesUntil = 0;
  /** Renewals one after the other: the last one that is asked for is the one that counts. */
  let renewals: Promise<unknown> = Promise.resolve();
  let underWay = 0;

  const endsIn = (milliseconds: number) =>
    [clock.now() + milliseconds, clock.monotonic() + milliseconds] as const;

  /** Milliseconds, by the clock that is more anxious. */
  function left(): number {
    return held ? Math.min(held.ends[0] - clock.now(), held.ends[1] - clock.monotonic()) : 0;
  }

  /** Returns whether it lasts that long from now on. */
  function renew(mine: Held, milliseconds: number): Promise<boolean> {
    underWay++;
    const renewed = renewals.then(async () => {
      if (held !== mine) return false;
      const ends = endsIn(milliseconds);
      try {
        const given = await mine.lease.renew(milliseconds);
        mine.ends = given === undefined ? [-Infinity, -Infinity] : ends;
        return given !== undefined;
      } catch (error) {
        mine.uncertain = true;
        throw error;
      }
    });
    renewals = renewed.catch(() => {}).then(() => underWay--);
    return renewed;
  }

  async function beat(mine: Held): Promise<void> {
    if (mine.alone || held !== mine || left() <= 0 || underWay > 0) return;
    // the next one may be heard; and whoever needs the lease looks at its end
    await renew(mine, life).catch(() => {});
  }

  async function take(): Promise<(() => Promise<void>) | undefined> {
    // counted from before it was asked for: the store counts from later
    const ends = endsIn(life);
    const given = await lease(life);
    if (!given) return undefined;
    const mine: Held = {
      lease: given,
      rest: every(life / BEATS, () => beat(mine)),
      ends,
      alone: false,
      uncertain: false,
    };
    held = mine;
    const release = async () => {
      if (held !== mine) return;
      held = undefined;
      mine.rest();
      await given.release();
    };
    // a store that takes its time
    const took = life - (ends[1] - clock.monotonic());
    if (took > life / BEATS) {
      life = Math.min(took * 2 * BEATS, LONGEST_LIFE);
      if (!await renew(mine, life).catch(() => false)) {
        await release();
        return undefined;
      }
    }
    writesUntil = clock.monotonic() + TO_WRITE;
    return release;
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
            if (!mayPass || clock.monotonic() >= writesUntil) throw error;
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
    secure: async (alone) => {
      const enough = alone ? needed : life / BEATS;
      // a second time where this process stood still meanwhile
      for (let tries = 0; tries < 3 && held && !held.uncertain; tries++) {
        const mine = held;
        mine.alone = alone;
        await renewals;
        if (left() >= enough || !await renew(mine, alone ? needed + MARGIN : life)) break;
      }
      if (held && !held.uncertain && left() >= enough) {
        writesUntil = clock.monotonic() + needed + MARGIN - TO_WRITE;
        return;
      }
      isLost = true;
      throw new TokenError("storage", "Cannot renew the token: this process stood still, and lost its turn", {
        nextStep: "Try again",
        retryable: true,
      });
    },
    received: async () => {
      if (!held?.alone) return;
      held.alone = false;
      await renew(held, life).catch(() => {});
    },
    lost: () => isLost,
  };
}

function byClock(clock: Clock, milliseconds: number, work: () => Promise<void>): () => void {
  const end = new AbortController();
  const beats = async () => {
    for (;;) {
      await clock.sleep(milliseconds, end.signal);
      await work();
    }
  };
  beats().catch(() => {});
  return () => end.abort(OVER);
}
