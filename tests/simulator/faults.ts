/** The refresh protocol, broken on purpose in ways that programs really are. */

import { begin, next, type State } from "../../lib/session/refresh_protocol.ts";
import type { Effect, Event } from "../../lib/session/refresh_events.ts";
import type { Store, StoredValue } from "../../lib/store/store.ts";
import { NAME } from "./checks.ts";
import type { Ports, Sabotage, Session, Token } from "./client.ts";

/** A fault, and how often it can hide. */
export interface Fault {
  readonly name: string;
  readonly sabotage: Sabotage;
  /** Within how many seeds it is found. */
  readonly seeds: number;
}

/** Changes what the machine hears. */
function hearing(
  change: (event: Event<Session, Token>, state: State<Session, Token>) => Event<Session, Token>,
): Sabotage {
  return {
    machine: {
      begin,
      next:
        ((state: State<Session, Token>, event: Event<Session, Token>) =>
          next(state, change(event, state))) as typeof next,
    },
  };
}

/** Leaves an effect out, as if it had been done. */
function without(left: Effect<Session, Token>["do"]): Sabotage {
  return {
    machine: {
      begin,
      next: ((state: State<Session, Token>, event: Event<Session, Token>) => {
        const step = next(state, event);
        return step.effect.do === left ? next(step.state, { is: "done" }) : step;
      }) as typeof next,
    },
  };
}

function changed(store: Store, change: (store: Store) => Partial<Store>): Store {
  return { ...store, ...change(store) };
}

const earlyHandOver: Sabotage = {
  machine: {
    begin,
    next:
      ((state: State<Session, Token>, event: Event<Session, Token>) =>
        event.is === "interpreted"
          ? { state, effect: { do: "deliver", token: event.found.token } }
          : next(state, event)) as typeof next,
  },
};

const oneLook: Sabotage = {
  ports: (ports) => {
    let session: StoredValue | undefined;
    let attempt: StoredValue | undefined;
    let token: Token | undefined;
    let looked = false;
    return {
      ...ports,
      lock: async (done) => {
        [session, attempt, token] = [
          await ports.sessions.read(NAME),
          await ports.attempts.read(NAME),
          await ports.readToken(),
        ];
        const unlock = await ports.lock(done);
        looked = unlock !== undefined;
        return unlock;
      },
      sessions: changed(
        ports.sessions,
        ({ read }) => ({ read: async (key) => looked ? session : await read(key) }),
      ),
      attempts: changed(
        ports.attempts,
        ({ read }) => ({ read: async (key) => looked ? attempt : await read(key) }),
      ),
      readToken: async () => looked ? token : await ports.readToken(),
    };
  },
};

const deletion: Sabotage = {
  ports: (ports) => ({
    ...ports,
    present: async (kept) => {
      const event = await ports.present(kept);
      if (event.is === "dead") await ports.sessions.remove(NAME);
      return event;
    },
  }),
};

const noCompareAndSet: Sabotage = {
  ports: (ports) => ({
    ...ports,
    sessions: changed(ports.sessions, ({ read, compareAndSet }) => ({
      compareAndSet: async (key, _expected, value) => compareAndSet(key, (await read(key))?.version, value),
    })),
  }),
};

const earlyTidy: Sabotage = {
  ports: (ports) => ({
    ...ports,
    sessions: changed(ports.sessions, ({ compareAndSet }) => ({
      compareAndSet: async (key, expected, value) => {
        await ports.attempts.remove(key);
        return await compareAndSet(key, expected, value);
      },
    })),
  }),
};

const noLock: Sabotage = { ports: (ports: Ports) => ({ ...ports, lock: () => Promise.resolve(() => {}) }) };
const deafToInvalidate: Sabotage = {
  ports: (ports) => ({ ...ports, judge: (token) => ports.isOver(token) ? "useless" : "good" }),
};
const noSynchronisation: Sabotage = { files: (files) => ({ ...files, fsyncSync: () => {} }) };

/** Pretends that nothing is left to lose: then it is worth a try. */
const blindRepetition = hearing((event, state) =>
  event.is === "seen" && event.verdict === "due" && state.phase === "looking"
    ? { ...event, verdict: "overdue" }
    : event
);

const droppedOnConflict = hearing((event, state) =>
  state.phase === "committing" && event.is === "overtaken" ? { is: "done" } : event
);

const deafToLogs = hearing((event) =>
  event.is === "seen" ? { ...event, sight: { ...event.sight, logged: undefined } } : event
);

/** All of them. */
export const faults: readonly Fault[] = [
  { name: "hands out before the commit", sabotage: earlyHandOver, seeds: 10 },
  { name: "presents without an announcement", sabotage: without("announce"), seeds: 10 },
  { name: "does not look again after the lock", sabotage: oneLook, seeds: 100 },
  { name: "deletes the session at invalid_grant", sabotage: deletion, seeds: 100 },
  { name: "drops its token when somebody else committed", sabotage: droppedOnConflict, seeds: 2000 },
  { name: "presents again blindly to a strict server", sabotage: blindRepetition, seeds: 200 },
  { name: "never synchronises the disk", sabotage: noSynchronisation, seeds: 200 },
  { name: "reads the answer before it is logged", sabotage: without("log"), seeds: 10 },
  { name: "does not look for the answer of a dead process", sabotage: deafToLogs, seeds: 100 },
  { name: "tidies up before the commit", sabotage: earlyTidy, seeds: 10 },
  { name: "commits without comparing", sabotage: noCompareAndSet, seeds: 2000 },
  { name: "takes no lock", sabotage: noLock, seeds: 200 },
  { name: "serves a token that was called bad", sabotage: deafToInvalidate, seeds: 50 },
];

/** Those of a store that several machines share. */
export const storeFaults: readonly Fault[] = [
  {
    name: "sends without a look at what is left of its lease",
    sabotage: { driver: (driver) => ({ ...driver, secure: () => Promise.resolve() }) },
    seeds: 2000,
  },
  {
    name: "goes on without a lease while the store is down",
    sabotage: {
      driver: (driver) => ({
        ...driver,
        lock: (done) => driver.lock(done).catch(() => () => Promise.resolve()),
        secure: (alone) => driver.secure(alone).catch(() => {}),
      }),
    },
    seeds: 2000,
  },
  ...faults.filter(({ sabotage }) => sabotage !== noSynchronisation),
];
