/**
 * Carries the effects of the refresh protocol out: which writes an effect consists of, and in which order. What a write
 * is made of (files, a database) and how a lock is taken is somebody else's: see `refresh_ports.ts`.
 *
 * @module
 */

import { isTokenError, TokenError } from "../errors.ts";
import { madeReady } from "./_made_ready.ts";
import {
  type Attempt,
  decodeAttempt,
  encodeAttempt,
  fingerprint,
  laterOf,
  stillLater,
} from "./refresh_attempt.ts";
import type { Effect, Event, Kept, Sight, Verdict } from "./refresh_events.ts";
import type { RefreshPorts } from "./refresh_ports.ts";
import { begin, type BeginOptions, next } from "./refresh_protocol.ts";

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
  /** The version of the session that was read last. */
  let stored: string | undefined;
  /** What takes back what was made ready for this run's writes. */
  let takeBack: Promise<() => void> | undefined;
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
    const found = await sessions.read(name);
    stored = found?.version;
    return { kept: found && ports.decode(found.value), version: stored };
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
    if (!await write({ signedInAt, token: fingerprint(refreshToken!), at, by: ports.self })) {
      return { is: "overtaken" };
    }
    // a lock can be lost to whoever tidies up: what somebody has committed meanwhile shows it
    if ((await reread()).kept?.refreshToken === refreshToken) return done;
    await tidy();
    return { is: "overtaken" };
  }

  /** While the server thinks, what follows is made ready: from its answer to the commit every moment counts. */
  async function present(kept: K): Promise<Event<K, T>> {
    const answer = ports.present(kept);
    takeBack ??= madeReady([
      { store: attempts, name, expected: version },
      { store: sessions, name, expected: stored },
    ]);
    return (await Promise.all([answer, takeBack]))[0];
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
    const ready = takeBack;
    takeBack = undefined;
    (await ready)?.();
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
        return await ports.prepare(effect.kept);
      case "announce":
        return await announce(effect.kept);
      case "present":
        return await present(effect.kept);
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
        return await ports.sleep(effect.milliseconds, effect.idle);
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
