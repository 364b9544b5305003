/**
 * What all stores past one machine have in common: a connection that may fail, and leases that can be compared.
 *
 * @module
 */

import { toHex } from "../bytes.ts";
import { type Clock, systemClock } from "../clock.ts";
import { isTokenError, TokenError } from "../errors.ts";
import { OVER } from "../http/abort.ts";
import type { Lease, Store } from "./store.ts";

/** How long a store past this machine is waited for. */
export interface ConnectionOptions {
  /** By which clock a call is too late, and by which a lease's holder counts. Default: the clock of the machine. */
  clock?: Clock;
  /** How long one call waits for an answer, in milliseconds. Default: 2000. */
  deadline?: number;
}

/** A lease that says which one it is. */
export interface FencedLease extends Lease {
  /**
   * Its fencing version. Of two leases of one key, the later has the greater one, by plain comparison of strings; no
   * lease has the version of another.
   */
  readonly fence: string;
}

/** A store whose leases are fenced. */
export interface FencedStore extends Store {
  /**
   * Asks for the lease of `key` for `milliseconds`.
   *
   * @returns the lease, or `undefined` while somebody else has it
   * @throws {TokenError} `invalid_argument` when the time is not positive; `storage` when the store does not answer
   */
  lease(key: string, milliseconds: number): Promise<FencedLease | undefined>;
}

/** What a foreign error amounts to, in words that hold nothing of what was sent. */
export interface Failure {
  /** What happened. */
  readonly reason: string;
  /** Whether the same call may succeed a moment later. */
  readonly passing: boolean;
  /** What a person can do about it. */
  readonly nextStep: string;
}

/** Calls to a store, none of which waits for ever, and whose errors are ours. */
export interface Connection {
  readonly clock: Clock;
  /**
   * One call.
   *
   * @param what completes "Cannot …"
   * @param work the call; its signal aborts when nobody waits for it any more
   * @throws {TokenError} `storage`
   */
  call<T>(what: string, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** The same, tried again until the deadline while the connection fails: for work that may be done twice. */
  insist<T>(what: string, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

/** The pause before a second attempt, in milliseconds; it doubles with each further one, up to the longest. */
const FIRST_PAUSE = 20;
const LONGEST_PAUSE = 320;

/**
 * Makes calls to one store.
 *
 * @param explain what an error of the store's client amounts to
 * @throws {TokenError} `invalid_argument` when the deadline is not a positive number
 */
export function connection(options: ConnectionOptions, explain: (error: unknown) => Failure): Connection {
  const clock = options.clock ?? systemClock;
  const deadline = options.deadline ?? 2000;
  if (!(deadline > 0 && deadline < Infinity)) {
    throw new TokenError(
      "invalid_argument",
      "Cannot wait for a store: the deadline is not a positive number",
    );
  }

  async function call<T>(what: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const ended = new AbortController();
    const tooLate = clock.sleep(deadline, ended.signal).then((): never => {
      throw failed(what, { ...explain(undefined), reason: `no answer came within ${deadline / 1000} s` });
    });
    // Where `work` throws before the race, nobody else hears of it.
    tooLate.catch(() => {});
    try {
      return await Promise.race([work(ended.signal), tooLate]);
    } catch (error) {
      throw isTokenError(error) ? error : failed(what, explain(error));
    } finally {
      ended.abort(OVER);
    }
  }

  function insist<T>(what: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const end = clock.monotonic() + deadline;
    return call(what, async (signal) => {
      for (let pause = FIRST_PAUSE;; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
        try {
          return await work(signal);
        } catch (error) {
          // Rather the reason than "no answer" a moment later.
          const over = clock.monotonic() + pause >= end;
          if (over || isTokenError(error) || !explain(error).passing) throw error;
        }
        // Not all at the same moment again.
        await clock.sleep(pause * (1 + Math.random()) / 2, signal);
      }
    });
  }

  return { clock, call, insist };
}

function failed(what: string, { reason, passing, nextStep }: Failure): TokenError {
  return new TokenError("storage", `Cannot ${what}: ${reason}`, { nextStep, retryable: passing });
}

/**
 * The name of a foreign error, as far as it can be told without its message, which may hold what was sent: the
 * system's code, or the name of its class.
 */
export function nameOfError(error: unknown): string {
  const { code, name, constructor } = (error ?? {}) as Record<string, unknown>;
  if (typeof code === "string" && /^[A-Z][A-Z0-9_]{2,40}$/.test(code)) return code;
  const names = [name, (constructor as { name?: unknown } | undefined)?.name];
  const telling = names.find((name) =>
    typeof name === "string" && /^(?:[A-Z]\w{1,60}Error|BadResource)$/.test(name)
  );
  return telling === undefined ? "the call failed" : String(telling);
}

/**
 * Whole milliseconds of a lease.
 *
 * @throws {TokenError} `invalid_argument` when there is none
 */
export function leaseTime(milliseconds: number): number {
  if (milliseconds > 0 && milliseconds < 2 ** 40) return Math.ceil(milliseconds);
  throw new TokenError("invalid_argument", "Cannot lease for less than a millisecond or without end");
}

/** Names one attempt, so that what arrives twice is done once. */
export function newAttempt(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return toHex(bytes);
}
