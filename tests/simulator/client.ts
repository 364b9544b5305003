/** A virtual process that wants tokens: the real driver on a virtual disk, against a virtual server. */

import { TokenError } from "../../lib/errors.ts";
import { fileStore } from "../../lib/host/file_store.ts";
import {
  readPrivateFile,
  removePrivateFile,
  writePrivateFileAtomically,
} from "../../lib/host/private_files.ts";
import { ensureReserve, freeReserve } from "../../lib/host/reserve.ts";
import { type Delivered, type RefreshMachine, runRefresh } from "../../lib/session/refresh_driver.ts";
import type { RefreshPorts } from "../../lib/session/refresh_ports.ts";
import type { Kept, Rotation, Verdict } from "../../lib/session/refresh_events.ts";
import type { Store } from "../../lib/store/store.ts";
import { interpretation, outcomeOf } from "./answers.ts";
import { type Checks, NAME, PLACES, type Wish } from "./checks.ts";
import type { Family, Request, Server } from "./server.ts";
import type { VirtualProcess, World } from "./world.ts";

/** What is kept of a sign-in here. */
export type Session = Kept;

/** An access token here. Times are in milliseconds. */
export interface Token {
  readonly asked: string;
  readonly requestedAt: number;
  readonly expiresAt: number;
  readonly softAt: number;
  readonly hardAt: number;
  /** The refresh token that was good when it came. */
  readonly refreshToken: string;
}

/** What the driver stands on here. */
export type Ports = RefreshPorts<Session, Token>;

/** What a test breaks: each takes a sound part and gives a faulty one. */
export interface Sabotage {
  readonly machine?: RefreshMachine;
  readonly ports?: (ports: Ports) => Ports;
  readonly files?: (files: VirtualProcess["files"]) => VirtualProcess["files"];
}

/** What the clients of one simulation have in common. */
export interface Setting {
  readonly world: World;
  readonly server: () => Server;
  readonly checks: Checks;
  /** How long an access token lives, in milliseconds. */
  readonly life: number;
  readonly sabotage: Sabotage;
  /** What earlier sign-ins have taught about the server. */
  readonly rotation?: Rotation;
  /** Told of each sign-in before it is written. */
  signingIn(family: Family, locked: boolean): void;
  readonly counts: { gets: number; served: number; failed: number; signIns: number };
}

/** How long nobody tries again after a failure, in milliseconds. */
const COOL_DOWN = 60_000;

/** Asks for tokens now and then, and signs in where that is what it takes. */
export async function client(setting: Setting, process: VirtualProcess, gets: number): Promise<void> {
  const { world, counts } = setting;
  const { random } = world;
  for (let count = 0; count < gets; count++) {
    await world.turn(process, world.now() + random.below(setting.life / 2));
    try {
      await getToken(setting, process, random.chance(0.8) ? "a" : "b", random.chance(0.05));
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      if (process.dead) return;
      counts.failed++;
      if (error.code === "sign_in_required") await signIn(setting, process);
    }
  }
}

/** One wish for a token. */
export async function getToken(
  setting: Setting,
  process: VirtualProcess,
  asked: string,
  force: boolean,
): Promise<Delivered<Token>> {
  const { world, checks, counts, sabotage } = setting;
  const startedAt = world.now();
  const judge = (token: Token): Verdict => {
    const now = world.now();
    if (token.expiresAt <= now || (force && token.requestedAt < startedAt)) return "useless";
    return now >= token.hardAt ? "overdue" : now >= token.softAt ? "due" : "good";
  };
  const wish: Wish = { asked, startedAt, force, judge };
  const { ports: sound, failed } = portsOf(setting, process, wish);
  const ports = sabotage.ports?.(sound) ?? sound;
  const delivered = await runRefresh(ports, {}, sabotage.machine).catch((error) => {
    failed();
    throw error;
  });
  if (delivered.because) failed();
  if (process.dead) return delivered;
  counts.gets++;
  if (delivered.because) counts.served++;
  checks.delivered(wish, delivered.token);
  return delivered;
}

/** A person signs in; without the lock, as another program might. */
export async function signIn(
  setting: Setting,
  process: VirtualProcess,
  locked = true,
): Promise<void> {
  const { world, server, checks, counts, signingIn } = setting;
  while (locked && !world.tryLock(process)) await world.turn(process, world.now() + 50);
  const { family, refreshToken } = server().signIn(world.now());
  signingIn(family, locked);
  const { rotation } = setting;
  const session = { signedInAt: family.signedInAt, receivedAt: world.now(), refreshToken, rotation };
  const text = JSON.stringify(session);
  const { sessions, attempts } = stores(process.files);
  try {
    for (;;) {
      await world.turn(process);
      const version = (await sessions.read(NAME))?.version;
      await world.turn(process);
      const written = checks.writing(text);
      if (await sessions.compareAndSet(NAME, version, new TextEncoder().encode(text)) !== undefined) {
        if (process.dead) return;
        written();
        break;
      }
    }
    world.trace(`${process.name}: signed in with ${refreshToken}`);
    counts.signIns++;
    await world.turn(process);
    await attempts.remove(NAME);
    for (const asked of ["a", "b"]) removePrivateFile(`${PLACES.tokens}/${asked}`, { files: process.files });
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
  } finally {
    world.unlock(process);
  }
}

function stores(files: VirtualProcess["files"]): { readonly sessions: Store; readonly attempts: Store } {
  return { sessions: fileStore(PLACES.sessions, { files }), attempts: fileStore(PLACES.attempts, { files }) };
}

/** The ports, and what is called when the run brought nothing new. */
function portsOf(
  setting: Setting,
  process: VirtualProcess,
  wish: Wish,
): { readonly ports: Ports; readonly failed: () => void } {
  const { world, checks, sabotage } = setting;
  const files = sabotage.files?.(process.files) ?? process.files;
  const places = stores(files);
  const tokenPath = `${PLACES.tokens}/${wish.asked}`;
  const reserve = "/state/reserve";
  let logged = true;
  let request: Request | undefined;
  let fillsWhenRelieved: number | undefined;

  /** Each call has a turn of its own, and tells the checks what has become durable. */
  function observed(store: Store, what: string, isSession: boolean): Store {
    return {
      ...store,
      read: async (key) => {
        await world.turn(process);
        return await store.read(key);
      },
      compareAndSet: async (key, expected, value) => {
        await world.turn(process);
        const text = new TextDecoder().decode(value);
        const written = isSession ? checks.writing(text) : () => {};
        // if it fails, there was nothing that could have been done
        logged = true;
        const version = await store.compareAndSet(key, expected, value);
        if (process.dead || version === undefined) return version;
        written();
        checks.durable(text);
        world.trace(`${process.name}: ${what} ${isSession ? text : text.split("\n")[0]}`);
        return version;
      },
      remove: async (key, expected) => {
        await world.turn(process);
        const removed = await store.remove(key, expected);
        if (removed && !process.dead) world.trace(`${process.name}: tidied up`);
        return removed;
      },
    };
  }

  const writeToken = async (token: Token) => {
    await world.turn(process);
    writePrivateFileAtomically(tokenPathOf(token), new TextEncoder().encode(JSON.stringify(token)), {
      files,
    });
  };

  const ports: Ports = {
    name: NAME,
    sessions: observed(places.sessions, "committed", true),
    attempts: observed(places.attempts, "noted", false),
    now: world.now,
    encode: (kept) => new TextEncoder().encode(JSON.stringify(kept)),
    decode: (bytes) => {
      const text = new TextDecoder().decode(bytes);
      checks.read(text);
      return JSON.parse(text);
    },
    readToken: async () => {
      await world.turn(process);
      const bytes = readPrivateFile(tokenPath, { limit: 1e6, files });
      try {
        return bytes && JSON.parse(new TextDecoder().decode(bytes));
      } catch {
        return undefined;
      }
    },
    keepToken: writeToken,
    postpone: async (token) => {
      const softAt = Math.min(world.now() + COOL_DOWN, token.hardAt);
      if (softAt > token.softAt) await writeToken({ ...token, softAt });
    },
    judge: wish.judge,
    isOver: ({ expiresAt }) => expiresAt <= world.now(),
    lock: async (done) => {
      const patience = world.now() + 60_000;
      for (let pause = 5;; pause = Math.min(pause * 2, 500)) {
        await world.turn(process);
        if (world.tryLock(process)) return () => world.unlock(process);
        if (!done || await done()) return undefined;
        if (world.now() > patience) throw new TokenError("timeout", "The lock was not had");
        await world.turn(process, world.now() + pause);
      }
    },
    prepare: async () => {
      await world.turn(process);
      ensureReserve(reserve, { files });
    },
    relieve: async () => {
      await world.turn(process);
      freeReserve(reserve, { files });
      fillsWhenRelieved = world.fills();
    },
    hold: () => () => {},
    sleep: (milliseconds) => world.turn(process, world.now() + milliseconds),
    present: async (kept) => {
      await world.turn(process);
      checks.presenting(wish, kept.refreshToken!);
      const sent = request = setting.server().send(kept.refreshToken!, process, world.now());
      world.trace(`${process.name}: presents ${kept.refreshToken} in request ${sent.number}`);
      await world.turn(process, sent.endsAt);
      sent.heard = true;
      const event = outcomeOf(sent, { asked: wish.asked, life: setting.life, random: world.random });
      logged = event.is !== "answered";
      return event;
    },
    interpret: async (raw, kept) => {
      await world.turn(process);
      checks.interpreting(logged);
      return interpretation(new TextDecoder().decode(raw), kept);
    },
    obtain: () => Promise.reject(new TokenError("internal", "Nobody asks for that here")),
  };
  const failed = () => {
    // what was given back was gone before it could be used
    if (request && !request.durable && fillsWhenRelieved !== undefined && world.fills() > fillsWhenRelieved) {
      request.unwritable = true;
    }
  };
  return { ports, failed };
}

function tokenPathOf({ asked }: Token): string {
  return `${PLACES.tokens}/${asked}`;
}
