/** The ground past one machine: the real store driver on a virtual store, with a lease that its holder can outlive. */

import { TokenError } from "../../lib/errors.ts";
import { rememberingAnswers } from "../../lib/session/_unsaved_answers.ts";
import { fingerprint } from "../../lib/session/refresh_attempt.ts";
import { mustNotRepeat } from "../../lib/session/_session_run.ts";
import { storeDriver } from "../../lib/session/store_driver.ts";
import type { Event } from "../../lib/session/refresh_events.ts";
import type { Store } from "../../lib/store/store.ts";
import { NAME, type Wish } from "./checks.ts";
import {
  COOL_DOWN,
  type Ground,
  type Run,
  type Session,
  type Setting,
  sharedPorts,
  type Token,
} from "./client.ts";
import type { Request } from "./server.ts";
import { type VirtualStore, virtualStore } from "./virtual_store.ts";
import type { VirtualProcess, World } from "./world.ts";

/** How long an exchange with the server may take here, in milliseconds. */
const EXCHANGE = 15_000;

const SESSIONS = "session/";
const ATTEMPTS = "attempt/";
const TOKENS = "token/";

/** A token that is kept says of which sign-in it is. */
interface KeptToken extends Token {
  readonly signedInAt: number;
}

/** What a process remembers from one run to the next. */
interface Memory {
  readonly attempts: Store;
  /** Whether the last answer was written down, or could not be. */
  readonly log: { done: boolean };
  /** Whether the store did not take something in this run. */
  isStoreDown: boolean;
  /** Whether what was noted last is in the store. */
  isLogged: boolean;
  /** How often a run for the same wish has lost its lease. */
  losses: number;
  wish?: Wish;
}

/** A request that was sent under a lease, until what it brought is durable. */
interface Flight {
  readonly process: VirtualProcess;
  readonly request: Request;
  /** Whether a second presentation is forgiven, so that the lease is not made to outlast the exchange. */
  readonly forgiven: boolean;
}

/** The virtual store of some virtual processes. */
export function storeGround(world: World, setting: () => Setting): Ground {
  const store = virtualStore(world);
  const flights = new Set<Flight>();
  const memories = new WeakMap<VirtualProcess, Memory>();

  /**
   * A process that stood still after it had sent its request may lose its lease to the next one; and one that could not
   * reach the store, where that does no harm.
   */
  function watch(): void {
    for (const flight of flights) {
      const { process, request, forgiven } = flight;
      if (process.dead || request.durable) flights.delete(flight);
      else if (store.holder() !== process && (forgiven || process.stoppedUntil > request.sentAt)) {
        setting().server().familyOf(request.refreshToken)!.conflict = true;
      }
    }
  }

  const signedInAt = () => {
    const text = store.text(SESSIONS + NAME);
    return text === undefined ? undefined : (JSON.parse(text) as Session).signedInAt;
  };

  return {
    records: {
      session: () => store.text(SESSIONS + NAME),
      attempt: () => store.text(ATTEMPTS + NAME),
      token: (asked) => {
        const text = store.text(TOKENS + asked);
        return text !== undefined && JSON.parse(text).signedInAt === signedInAt() ? text : undefined;
      },
      changes: store.changes,
    },
    passed: (now) => {
      watch();
      store.run(now);
    },
    next: store.next,
    calm: store.calm,
    signIn: async ({ checks, counts }, process, session) => {
      const begun = { ...session(), origin: "" };
      begun.origin = fingerprint(begun.refreshToken!);
      const text = JSON.stringify(begun);
      const written: (() => void)[] = [];
      const view = store.of(process, () => written.at(-1)!());
      for (let tries = 0; tries < 20; tries++) {
        try {
          const found = await view.read(SESSIONS + NAME);
          const version = found?.version;
          if (found && JSON.parse(new TextDecoder().decode(found.value)).origin === begun.origin) return;
          written.push(checks.writing(text));
          const bytes = new TextEncoder().encode(text);
          if (await view.compareAndSet(SESSIONS + NAME, version, bytes) === undefined) continue;
          world.trace(`${process.name}: signed in with ${begun.refreshToken}`);
          counts.signIns++;
          return;
        } catch (error) {
          if (!(error instanceof TokenError)) throw error;
        }
      }
    },
    run: (setting, process, wish) => runOn(store, memories, flights, setting, process, wish),
  };
}

function runOn(
  store: VirtualStore,
  memories: WeakMap<VirtualProcess, Memory>,
  flights: Set<Flight>,
  setting: Setting,
  process: VirtualProcess,
  wish: Wish,
): Run {
  const { world, checks, sabotage } = setting;
  let request: Request | undefined;
  let [isForgiven, isBeating] = [false, false];

  const view = store.of(process, (key, text) => {
    if (key.startsWith(TOKENS)) return;
    if (key.startsWith(SESSIONS)) checks.writing(text)();
    checks.durable(text);
    world.trace(`${process.name}: ${key} ${text.split("\n")[0]}`);
  });

  function under(prefix: string): Store {
    return {
      capabilities: view.capabilities,
      read: (key) => view.read(prefix + key),
      compareAndSet: async (key, expected, value) => {
        memory.log.done = true;
        if (prefix === SESSIONS) checks.writing(new TextDecoder().decode(value));
        try {
          const version = await view.compareAndSet(prefix + key, expected, value);
          if (prefix === ATTEMPTS) memory.isLogged = version !== undefined;
          return version;
        } catch (error) {
          memory.isStoreDown = true;
          throw error;
        }
      },
      remove: (key, expected) => view.remove(prefix + key, expected),
    };
  }

  const memory: Memory = memories.get(process) ??
    {
      attempts: rememberingAnswers(under(ATTEMPTS)),
      log: { done: true },
      isStoreDown: false,
      isLogged: false,
      losses: 0,
    };
  memories.set(process, memory);
  memory.log.done = true;
  memory.isStoreDown = false;
  memory.losses = memory.wish === wish ? memory.losses + 1 : 0;
  memory.wish = wish;
  const clock = {
    now: world.now,
    monotonic: world.now,
    sleep: (milliseconds: number) => world.turn(process, world.now() + milliseconds),
  };
  const sound = storeDriver({
    sessions: under(SESSIONS),
    lease: async (milliseconds) => {
      const lease = await view.lease(NAME, milliseconds);
      return lease && { ...lease, renew: (time) => (isBeating ? lease.renewBeside : lease.renew)(time) };
    },
    clock,
    exchange: EXCHANGE,
    losses: memory.losses,
    every: (milliseconds, work) => {
      let isOver = false;
      const beat = async () => {
        if (isOver) return;
        isBeating = true;
        await work();
        isBeating = false;
        next();
      };
      const next = () => world.beside(process, world.now() + milliseconds, beat);
      next();
      return () => void (isOver = true);
    },
    random: world.random.next,
  });
  const driver = sabotage.driver?.(sound) ?? sound;
  const shared = sharedPorts(setting, process, wish, memory.log, (sent) => {
    request = sent;
    flights.add({ process, request, forgiven: isForgiven });
  });

  async function keep(token: Token): Promise<void> {
    const value = new TextEncoder().encode(JSON.stringify(token));
    try {
      for (let tries = 0; tries < 5; tries++) {
        const version = (await view.read(TOKENS + token.asked))?.version;
        if (await view.compareAndSet(TOKENS + token.asked, version, value) !== undefined) return;
      }
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
    }
  }

  return {
    ports: {
      ...shared,
      sessions: driver.sessions,
      attempts: memory.attempts,
      readToken: async () => {
        const [token, session] = [await view.read(TOKENS + wish.asked), await view.read(SESSIONS + NAME)];
        if (!token || !session) return undefined;
        const found: KeptToken = JSON.parse(new TextDecoder().decode(token.value));
        const { signedInAt } = JSON.parse(new TextDecoder().decode(session.value));
        return found.signedInAt === signedInAt ? found : undefined;
      },
      keepToken: keep,
      postpone: async (token) => {
        const softAt = Math.min(world.now() + COOL_DOWN, token.hardAt);
        if (softAt > token.softAt) await keep({ ...token, softAt });
      },
      lock: (done) => driver.lock(done),
      prepare: () => driver.secure(false),
      relieve: () => Promise.resolve(),
      present: async (kept) => {
        isForgiven = !mustNotRepeat(kept);
        memory.isLogged = false;
        try {
          await driver.secure(!isForgiven);
        } catch (error) {
          if (!(error instanceof TokenError)) throw error;
          return { is: "refused", error };
        }
        // at once: nothing can be done about a process that stands still between the look and the first byte
        const event = await shared.present(kept);
        // nothing came that could be lost
        if (event.is !== "answered") {
          for (const one of flights) if (one.request === request) flights.delete(one);
        }
        return event;
      },
      interpret: async (raw, kept) => {
        if (memory.isLogged) await driver.received();
        const event = await shared.interpret(raw, kept);
        return inOrder(event, kept);
      },
    },
    again: () => driver.lost(),
    failed: () => {
      for (const one of flights) if (one.request === request) flights.delete(one);
      // it is in the memory of this process alone
      if (request && !request.durable && memory.isStoreDown) request.unwritable = "store down";
    },
  };
}

/** As the stored session does it: the later one says so, and a token of which sign-in it is. */
function inOrder(
  event: Event<Session, Token>,
  { receivedAt = 0, signedInAt }: Session,
): Event<Session, Token> {
  const later = (kept: Session) => ({ ...kept, receivedAt: Math.max(kept.receivedAt ?? 0, receivedAt + 1) });
  if (event.is === "spoiled" && event.kept) return { ...event, kept: later(event.kept) };
  if (event.is !== "interpreted") return event;
  const token: KeptToken = { ...event.found.token, signedInAt };
  return { is: "interpreted", found: { kept: later(event.found.kept), token } };
}
