/** A virtual process that wants tokens: the real driver on virtual ground, against a virtual server. */

import { TokenError } from "../../lib/errors.ts";
import { type Delivered, type RefreshMachine, runRefresh } from "../../lib/session/refresh_driver.ts";
import type { RefreshPorts } from "../../lib/session/refresh_ports.ts";
import type { Kept, Rotation, Verdict } from "../../lib/session/refresh_events.ts";
import type { StoreDriver } from "../../lib/session/store_driver.ts";
import { interpretation, outcomeOf } from "./answers.ts";
import { type Checks, NAME, type Records, type Wish } from "./checks.ts";
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
  readonly driver?: (driver: StoreDriver) => StoreDriver;
}

/** What the processes of a simulation stand on. */
export interface Ground {
  readonly records: Records;
  /** Called when time has passed. */
  passed(now: number): void;
  /** When something happens by itself. */
  next(): number;
  /** Whether nothing goes wrong. */
  calm(yes: boolean): void;
  /** Writes the session of a new sign-in, made when it can be written. */
  signIn(setting: Setting, process: VirtualProcess, session: () => Session, locked: boolean): Promise<void>;
  /** The ports of one run. */
  run(setting: Setting, process: VirtualProcess, wish: Wish): Run;
}

/** One run of the protocol. */
export interface Run {
  readonly ports: Ports;
  /** Called when it brought nothing new. */
  failed(): void;
  /** Whether another run may do better. */
  again(): boolean;
}

/** What the clients of one simulation have in common. */
export interface Setting {
  readonly world: World;
  readonly ground: Ground;
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
export const COOL_DOWN = 60_000;

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
  const { world, ground, checks, counts, sabotage } = setting;
  const startedAt = world.now();
  const judge = (token: Token): Verdict => {
    const now = world.now();
    if (token.expiresAt <= now || (force && token.requestedAt < startedAt)) return "useless";
    return now >= token.hardAt ? "overdue" : now >= token.softAt ? "due" : "good";
  };
  const wish: Wish = { asked, startedAt, force, judge };
  const runs = async (): Promise<Delivered<Token>> => {
    for (let count = 1;; count++) {
      const { ports: sound, failed, again } = ground.run(setting, process, wish);
      const ports = sabotage.ports?.(sound) ?? sound;
      try {
        const delivered = await runRefresh(ports, {}, sabotage.machine);
        if (delivered.because) failed();
        if (!delivered.because || !again() || count === 4) return delivered;
      } catch (error) {
        failed();
        if (!again() || count === 4) throw error;
      }
    }
  };
  const delivered = await runs();
  if (process.dead) return delivered;
  counts.gets++;
  if (delivered.because) counts.served++;
  checks.delivered(wish, delivered.token);
  return delivered;
}

/** A person signs in; without the lock, as another program might. */
export async function signIn(setting: Setting, process: VirtualProcess, locked = true): Promise<void> {
  const { world, ground, server, rotation, signingIn } = setting;
  await ground.signIn(setting, process, () => {
    const { family, refreshToken } = server().signIn(world.now());
    signingIn(family, locked);
    return { signedInAt: family.signedInAt, receivedAt: world.now(), refreshToken, rotation };
  }, locked);
}

/** Of the ports, those that are the same on every ground. */
type SharedPorts = Omit<
  Ports,
  "sessions" | "attempts" | "readToken" | "keepToken" | "postpone" | "lock" | "prepare" | "relieve"
>;

/**
 * The ports that are the same on every ground.
 *
 * @param log whether the last answer was written down, or could not be
 * @param sending told of each request
 */
export function sharedPorts(
  { world, server, checks, life }: Setting,
  process: VirtualProcess,
  wish: Wish,
  log: { done: boolean },
  sending: (request: Request) => void,
): SharedPorts {
  return {
    name: NAME,
    now: world.now,
    encode: (kept) => new TextEncoder().encode(JSON.stringify(kept)),
    decode: (bytes) => {
      const text = new TextDecoder().decode(bytes);
      checks.read(text);
      return JSON.parse(text);
    },
    judge: wish.judge,
    isOver: ({ expiresAt }) => expiresAt <= world.now(),
    hold: () => () => {},
    sleep: (milliseconds) => world.turn(process, world.now() + milliseconds),
    present: async (kept) => {
      checks.presenting(wish, kept.refreshToken!);
      const sent = server().send(kept.refreshToken!, process, world.now());
      sending(sent);
      world.trace(`${process.name}: presents ${kept.refreshToken} in request ${sent.number}`);
      await world.turn(process, sent.endsAt);
      sent.heard = true;
      const event = outcomeOf(sent, { asked: wish.asked, life, random: world.random });
      log.done = event.is !== "answered";
      return event;
    },
    interpret: async (raw, kept) => {
      await world.turn(process);
      checks.interpreting(log.done);
      return interpretation(new TextDecoder().decode(raw), kept);
    },
    obtain: () => Promise.reject(new TokenError("internal", "Nobody asks for that here")),
  };
}
