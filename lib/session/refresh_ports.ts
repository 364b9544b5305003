/**
 * What the driver of the refresh protocol stands on: files and a kernel's lock on a workstation, a database with leases
 * elsewhere.
 *
 * @module
 */

import type { TokenError } from "../errors.ts";
import type { Store } from "../store/store.ts";
import type { Event, Kept, Verdict } from "./refresh_events.ts";

/** What a driver stands on: one caller's view of one sign-in. */
export interface RefreshPorts<K extends Kept, T> {
  /** The name of the sign-in in both stores. */
  readonly name: string;
  /** Where the session is: compare-and-set, durable, and strong in what it reads. */
  readonly sessions: Store;
  /** Where the {@linkcode Attempt} is; of the same kind. */
  readonly attempts: Store;
  /** Who this is, in words for whoever waits too long: "process 7 on laptop". */
  readonly self?: string;
  /** The wall clock, in milliseconds since the epoch. */
  now(): number;
  encode(kept: K): Uint8Array;
  decode(bytes: Uint8Array): K;
  /** The access token for what was asked, if there is one. */
  readToken(): Promise<T | undefined>;
  /** Keeps an access token for the next one who asks the same. */
  keepToken(token: T): Promise<void>;
  /** Keeps it again, so that nobody tries to renew it for a while. */
  postpone(token: T, error: TokenError): Promise<void>;
  /** How far a token may be used now. */
  judge(token: T): Verdict;
  /** Whether a token that was good for a while no longer is: a process may stand still for an hour. */
  isOver(token: T): boolean;
  /**
   * Takes the lock. Between two tries it asks `done`; without `done` there is one try.
   *
   * @returns what gives it back, or `undefined` when it was not had
   */
  lock(done?: () => Promise<boolean>): Promise<(() => void | Promise<void>) | undefined>;
  /** Makes sure of everything that can fail; also the last place where a caller's abort counts. */
  prepare(kept: K): Promise<void>;
  /** Frees the room that {@linkcode prepare} reserved. */
  relieve(): Promise<void>;
  /** From here on, until what it returns is called, nothing may end this process that can wait. */
  hold(): () => void;
  /** `idle`: a caller's abort ends it, with a `TokenError`. */
  sleep(milliseconds: number, idle: boolean): Promise<void>;
  present(kept: K): Promise<Event<K, T>>;
  interpret(raw: Uint8Array, kept: K): Promise<Event<K, T>>;
  /** Asks with the client's own credentials. */
  obtain(): Promise<T>;
}
