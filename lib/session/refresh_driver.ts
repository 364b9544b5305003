/**
 * Carries the effects of the refresh protocol out: which writes an effect consists of, and in which order. What a write
 * is made of (files, a database) and how a lock is taken is somebody else's: see {@linkcode RefreshPorts}.
 *
 * @module
 */

import { isTokenError, TokenError } from "../errors.ts";
import type { Store } from "../store/store.ts";
import {
  type Attempt,
  decodeAttempt,
  encodeAttempt,
  fingerprint,
  laterOf,
  stillLater,
} from "./refresh_attempt.ts";
import type { Effect, Event, Kept, Sight, Verdict } from "./refresh_events.ts";
import { begin, type BeginOptions, next } from "./refresh_protocol.ts";

/** What a driver stands on: one caller's view of one sign-in. */
export interface RefreshPorts<K extends Kept, T> {
  /** The name of the sign-in in both stores. */
  readonly name: string;
  /** Where the session is: compare-and-set, durable, and strong in what it reads. */
  readonly sessions: Store;
  /** Where the {@linkcode Attempt} is; of the same kind. */
  readonly attempts: Store;
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
  prepare(): Promise<void>;
  /** Frees the room that {@linkcode prepare} reserved. */
  relieve(): Promise<void>;
  /** From here on, until what it returns is called, nothing may end this process that can wait. */
  hold(): () => void;
  sleep(milliseconds: number): Promise<void>;
  present(kept: K): Promise<Event<K, T>>;
  interpret(raw: Uint8Array, kept: K): Promise<Event<K, T>>;
  /** Asks with the client's own credentials. */
  obtain(): Promise<T>;
}

/** How a run ended well. */
export interface Delivered<T> {
  readonly token: T;
  /** Why it is not a new token. */
  readonly because?: TokenError;
}

/** The machine that is driven; tests put broken ones in its place. */
export interface RefreshMachine {
  readonly begin: typeof begin;
  readonly next: typeof next;
}

/** How often a token may run out between its arrival and its hand-over. */
const ROUNDS = 3;

/**
 * Runs the protocol.
 *
 * @throws {TokenError} what the protocol failed with
 */
export async function runRefresh<K extends Kept, T>(
  ports: RefreshPorts<K, T>,
  options: BeginOptions = {},
  machine: RefreshMachine = { begin, next },
): Promise<Delivered<T>> {
  for (let round = 0; round < ROUNDS; round++) {
    const { token, because } = await runOnce(ports, options, machine);
    // the world has moved on since it was looked at
    if (because && ports.judge(token) === "useless") throw because;
    if (!ports.isOver(token)) return { token, because };
  }
  throw new TokenError("unavailable", "Cannot get a token that is still good when it is here");
}

async function runOnce<K extends Kept, T>(
  ports: RefreshPorts<K, T>,
  options: BeginOptions,
  machine: RefreshMachine,
): Promise<Delivered<T>> {
  const driver = refreshDriver(ports);
  try {
    let { state, effect } = machine.begin<K, T>(options);
    for (;;) {
      if (effect.do === "deliver") return { token: effect.token, because: effect.because };
      if (effect.do === "fail") throw driver.fault() ?? effect.error;
      ({ state, effect } = machine.next(state, await driver.perform(effect)));
    }
  } finally {
    await driver.end();
  }
}

type Performed<K extends Kept, T> = Exclude<Effect<K, T>, { do: "deliver" | "fail" }>;

/** Carries out one effect after the other. */
interface Driver<K extends Kept, T> {
  perform(effect: Performed<K, T>): Promise<Event<K, T>>;
  /** What went wrong in a way that nobody expected. */
  fault(): unknown;
  /** Gives back what is still held. */
  end(): Promise<void>;
}

function refreshDriver<K extends Kept, T>(ports: RefreshPorts<K, T>): Driver<K, T> {
  const { name, sessions, attempts } = ports;
  const done = { is: "done" } as const;
  let unlock: (() => void | Promise<void>) | undefined;
  let letGo: (() => void) | undefined;
  /** What this run knows to be written. */
  let attempt: Attempt = {};
  let version: string | undefined;
  let fault: unknown;

  function verdictOf(token: T | undefined): Verdict {
    return token === undefined ? "useless" : ports.judge(token);
  }

  async function lock(patient: boolean): Promise<Event<K, T>> {
    let served: T | undefined;
    unlock = await ports.lock(
      patient
        ? async () => {
          const token = await ports.readToken();
          if (verdictOf(token) !== "good") return false;
          served = token;
          return true;
        }
        : undefined,
    );
    if (unlock) return done;
    return served === undefined ? { is: "busy" } : { is: "served", token: served };
  }

  async function look(): Promise<Event<K, T>> {
    const written = await attempts.read(name);
    attempt = written ? decodeAttempt(written.value) : {};
    version = written?.version;
    const { kept, version: expected } = await reread();
    const token = await ports.readToken();
    const sight: Sight<K, T> = { ...traces(attempt, kept), token, kept, version: expected };
    return { is: "seen", sight, verdict: verdictOf(token) };
  }

  async function reread(): Promise<Sight<K, T>> {
    const stored = await sessions.read(name);
    return { kept: stored && ports.decode(stored.value), version: stored?.version };
  }

  /** What the record of an attempt says about a session. */
  function traces({ signedInAt, token, raw, later }: Attempt, kept: K | undefined): Sight<K, T> {
    const wish = stillLater(later, ports.now() / 1000);
    if (!kept || signedInAt !== kept.signedInAt) return { later: wish };
    const announced = kept.refreshToken !== undefined && token === fingerprint(kept.refreshToken);
    return { later: wish, announced, ...(raw ? { logged: { raw, current: announced } } : {}) };
  }

  async function write(changed: Attempt): Promise<boolean> {
    const written = await attempts.compareAndSet(name, version, encodeAttempt(changed));
    if (written === undefined) return false;
    [attempt, version] = [changed, written];
    return true;
  }

  async function announce({ signedInAt, refreshToken }: K): Promise<Event<K, T>> {
    letGo ??= ports.hold();
    const at = Math.floor(ports.now() / 1000);
    return await write({ signedInAt, token: fingerprint(refreshToken!), at }) ? done : { is: "overtaken" };
  }

  async function log(raw: Uint8Array): Promise<Event<K, T>> {
    // somebody is at it in spite of the lock: their record is as good as ours
    if (await write({ ...attempt, raw })) return done;
    return { is: "overtaken" };
  }

  async function commit(
    { kept, expected, dead }: Extract<Effect<K, T>, { do: "commit" }>,
  ): Promise<Event<K, T>> {
    const at = Math.floor(ports.now() / 1000);
    const whole = dead === undefined ? kept : { ...kept, dead: { at, words: dead } };
    return await sessions.compareAndSet(name, expected, ports.encode(whole)) === undefined
      ? { is: "overtaken" }
      : done;
  }

  async function tidy(): Promise<void> {
    if (version === undefined) return;
    const mine = version;
    [attempt, version] = [{}, undefined];
    await attempts.remove(name, mine);
  }

  async function postpone(error: TokenError, token?: T): Promise<void> {
    if (token !== undefined) await ports.postpone(token, error);
    const later = laterOf(error, ports.now() / 1000);
    if (later) await write({ ...attempt, later });
  }

  async function release(): Promise<void> {
    letGo?.();
    const give = unlock;
    letGo = unlock = undefined;
    await give?.();
  }

  async function carryOut(effect: Performed<K, T>): Promise<Event<K, T> | void> {
    switch (effect.do) {
      case "glance": {
        const token = await ports.readToken();
        return { is: "seen", sight: { token }, verdict: verdictOf(token) };
      }
      case "lock":
        return await lock(effect.patient);
      case "look":
        return await look();
      case "reread":
        return { is: "seen", sight: await reread(), verdict: "useless" };
      case "prepare":
        return await ports.prepare();
      case "announce":
        return await announce(effect.kept);
      case "present":
        return await ports.present(effect.kept);
      case "log":
        return await log(effect.raw);
      case "interpret":
        return await ports.interpret(effect.raw, effect.kept);
      case "commit":
        return await commit(effect);
      case "relieve":
        return await ports.relieve();
      case "keep":
        return await ports.keepToken(effect.token);
      case "tidy":
        return await tidy();
      case "postpone":
        return await postpone(effect.error, effect.token);
      case "rest":
        return await ports.sleep(effect.milliseconds);
      case "unlock":
        return await release();
      case "obtain":
        return { is: "obtained", token: await ports.obtain() };
    }
  }

  return {
    perform: async (effect) => {
      try {
        return await carryOut(effect) ?? done;
      } catch (error) {
        if (isTokenError(error)) return { is: "failed", error };
        fault ??= error;
        return { is: "failed", error: new TokenError("internal", "The renewal met a fault of this package") };
      }
    },
    fault: () => fault,
    end: release,
  };
}
