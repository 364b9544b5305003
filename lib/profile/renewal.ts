/**
 * One caller's view of a profile, for the refresh protocol: its token, its session, its server.
 *
 * @module
 */

import { hostname } from "node:os";
import process from "node:process";
import { isTokenError, TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { givenUp } from "../http/abort.ts";
import type { TokenParameters } from "../oauth/token_request.ts";
import { safeText } from "../safe_text.ts";
import { decodeAttempt } from "../session/refresh_attempt.ts";
import type { Event, Verdict } from "../session/refresh_events.ts";
import { interpret as interpretOf, present as presentTo, type Reached } from "../session/refresh_exchange.ts";
import type { RefreshPorts } from "../session/refresh_ports.ts";
import { decodeSession, encodeSession, type Session } from "../session/session.ts";
import { type CachedToken, cachedToken } from "./cached_token.ts";
import { clientOf } from "./client_of.ts";
import { issuerOf } from "./connection.ts";
import { obtainForItself } from "./obtain_token.ts";
import { withPatience } from "./patience.ts";
import type { Profile } from "./profile.ts";
import { checkRegistration } from "./register.ts";
import { type SessionHome, sessionHome } from "./session_home.ts";
import { cachedTokenMark, readCachedToken, writeCachedToken } from "./token_cache.ts";

/** What one caller wants. */
export interface Wish {
  /** What the token is narrowed to, in the server's dialect. */
  readonly parameters: TokenParameters;
  /** The `narrowingKey` of that. */
  readonly asked: string;
  /** How far a token may be used for it now. */
  readonly judge: (token: CachedToken) => Verdict;
  readonly signal?: AbortSignal;
}

/** Who renews the sign-in at this moment and since when, if that is known. */
async function renewer(
  { attempts }: Pick<SessionHome, "attempts">,
  name: string,
): Promise<{ readonly by: string; readonly since: string } | undefined> {
  const written = await attempts.read(name).catch(() => undefined);
  const { by, at } = written ? decodeAttempt(written.value) : {};
  return by === undefined || at === undefined ? undefined : { by, since: new Date(at * 1000).toISOString() };
}

/** A wait that was too long, with the name of who was waited for. */
async function withHolder(
  home: Pick<SessionHome, "attempts">,
  name: string,
  error: unknown,
): Promise<unknown> {
  if (!isTokenError(error) || error.code !== "timeout") return error;
  const holder = await renewer(home, name);
  if (!holder) return error;
  const nextStep = "End it if it hangs, or try again";
  return new TokenError("timeout", `${error.message}: ${holder.by}, since ${holder.since}`, {
    ...error,
    nextStep,
  });
}

/** How long a person at a terminal waits for another process without a word, in milliseconds. */
const SILENCE = 3_000;

/** How long an early renewal that failed is not tried again, in seconds. */
const COOL_DOWN = 60;

/** Where the session and the access tokens of a sign-in are. */
export interface Places
  extends Pick<SessionHome, "sessions" | "attempts" | "lock" | "prepare" | "relieve" | "hold"> {
  encode(session: Session): Uint8Array;
  decode(bytes: Uint8Array): Session;
  /** The access token for what was asked, if there is one. */
  readToken(asked: string): Promise<CachedToken | undefined>;
  /** Something that changes when that does, and costs less. */
  markOf(asked: string): unknown;
  writeToken(token: CachedToken): Promise<void>;
}

/** The places of a profile. */
export function placesOf(host: Host, profile: Profile): Places {
  return {
    ...sessionHome(host, profile),
    encode: encodeSession,
    decode: decodeSession,
    readToken: (asked) => readCachedToken(host, profile, asked),
    markOf: (asked) => cachedTokenMark(host, profile, asked),
    writeToken: (token) => writeCachedToken(host, profile, token),
  };
}

/** What the refresh protocol stands on for one caller. */
export function renewalOf(
  host: Host,
  profile: Profile,
  wish: Wish,
  home: Places = placesOf(host, profile),
): RefreshPorts<Session, CachedToken> {
  const { asked, parameters, judge, signal } = wish;
  const { clock } = host;
  let mark: unknown;

  const reach = async (session: Session): Promise<Reached> => ({
    issuer: await issuerOf(host, profile, session.metadata),
    client: await clientOf(profile, session),
  });
  let reached: ReturnType<typeof reach> | undefined;

  async function readToken(): Promise<CachedToken | undefined> {
    mark = home.markOf(asked);
    return await home.readToken(asked);
  }

  /** What cannot be kept is handed out all the same: it can be fetched again. */
  async function keep(token: CachedToken): Promise<void> {
    if (token.expiresAt <= token.issuedAt) return;
    try {
      await home.writeToken(token);
    } catch (error) {
      if (!isTokenError(error)) throw error;
      host.say(
        `The token is not kept for the next call. ${error.message}. ${error.nextStep ?? ""}`.trimEnd(),
      );
    }
  }

  async function tellOfWait(): Promise<void> {
    const { by = "another process", since } = await renewer(home, profile.name) ?? {};
    host.say(`Waiting for ${by}, which has been renewing this sign-in${since ? ` since ${since}` : ""} …`);
  }

  async function present(session: Session): Promise<Event<Session, CachedToken>> {
    const presentation = { ...parameters, refreshToken: session.refreshToken! };
    const reachable = await reached!;
    return await withPatience(
      host,
      profile.issuer,
      () => presentTo<Session, CachedToken>(reachable, presentation, asked),
    );
  }

  async function interpret(raw: Uint8Array, session: Session): Promise<Event<Session, CachedToken>> {
    return await interpretOf(await (reached ?? reach(session)), session, raw, (token, answer) => {
      const from = { issuer: profile.issuer, profile: profile.name };
      return cachedToken(token, { ...from, asked: answer.asked, requestedAt: answer.sentAt });
    });
  }

  return {
    name: profile.name,
    sessions: home.sessions,
    attempts: home.attempts,
    self: `process ${process.pid} on ${safeText(hostname(), 64)}`,
    now: clock.now,
    encode: home.encode,
    decode: home.decode,
    readToken,
    keepToken: keep,
    postpone: async (token, { retryAfter = 0 }) => {
      const now = clock.now() / 1000;
      const softAt = Math.min(now + Math.max(COOL_DOWN, retryAfter), token.hardAt);
      if (softAt > token.softAt) await keep({ ...token, softAt });
    },
    judge,
    isOver: ({ issuedAt, expiresAt }) => expiresAt > issuedAt && expiresAt <= clock.now() / 1000,
    lock: async (done) => {
      // to open the token's file at each look would cost more than all that it is waited for
      const startedAt = clock.monotonic();
      let isTold = !host.isErrorTerminal;
      const isServed = async () => {
        if (!isTold && clock.monotonic() - startedAt >= SILENCE) {
          isTold = true;
          await tellOfWait();
        }
        return home.markOf(asked) !== mark && await done!();
      };
      const lock = await home.lock(done ? isServed : () => true, signal).catch(async (error) => {
        throw signal?.aborted ? givenUp(false) : await withHolder(home, profile.name, error);
      });
      return lock && (() => lock.release());
    },
    prepare: async (session) => {
      if (signal?.aborted) throw givenUp(false);
      checkRegistration(profile, session, clock.now() / 1000);
      await home.prepare();
      await (reached = reach(session));
    },
    relieve: home.relieve,
    hold: () => {
      let isSaid = false;
      return home.hold(() => {
        if (!isSaid) host.say("Waiting for the server's answer first, so that the sign-in is not lost …");
        isSaid = true;
      });
    },
    sleep: async (milliseconds, idle) => {
      if (idle && signal?.aborted) throw givenUp(true);
      await clock.sleep(milliseconds, idle ? signal : undefined).catch(() => {
        throw givenUp(true);
      });
    },
    present,
    interpret,
    obtain: async () => {
      const requestedAt = clock.now();
      const token = await withPatience(
        host,
        profile.issuer,
        () => obtainForItself(host, profile, sessionHome(host, profile), parameters, signal),
      );
      return cachedToken(token, { issuer: profile.issuer, profile: profile.name, asked, requestedAt });
    },
  };
}
