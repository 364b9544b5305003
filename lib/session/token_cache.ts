/**
 * Tokens over time: a valid one whenever it is asked for, with as few requests as there can be.
 *
 * @module
 */

import { isTokenError, TokenError } from "../errors.ts";
import { givenUp, OVER } from "../http/abort.ts";
import type { Client } from "../oauth/client.ts";
import type { Issuer } from "../oauth/issuer.ts";
import type { TokenParameters } from "../oauth/token_request.ts";
import type { TokenSet } from "../oauth/token_set.ts";
import { keyOf, parametersOf } from "./_cache_key.ts";
import { type Flight, join } from "./_flight.ts";
import { type Thresholds, thresholds } from "./expiry.ts";
import type { Grant } from "./grant.ts";

/** What a source hands out: a token set without what only the source may hold. */
export type AccessToken = Omit<TokenSet, "refreshToken">;

/** Options of {@linkcode TokenCache.get}. */
export interface GetOptions extends TokenParameters {
  /**
   * For how long the token must still be valid, in seconds. Without it, a token is renewed early when that works and
   * served to its last second when it does not; with it, an unreachable server is an error.
   */
  minValidity?: number;
  /** Asks the server even though a good token is at hand. Default: false. */
  force?: boolean;
  /** Ends this caller's wait, not that of others who wait for the same token. */
  signal?: AbortSignal;
}

/** Gives a token that is valid for at least as long as asked. Made by {@linkcode tokenCache}. */
export interface TokenCache {
  /**
   * A valid access token: from memory, or from one request that all callers share.
   *
   * @throws {TokenError} `sign_in_required`, `server_refused`, `unavailable`, `network`, `timeout`, `aborted`, …
   */
  get(options?: GetOptions): Promise<AccessToken>;
  /** Forgets the cached tokens, or just the one given, and ignores the answers of requests already under way. */
  invalidate(accessToken?: string): void;
  /** The cached token if it is still valid, without waiting and without any request. */
  peek(options?: TokenParameters): AccessToken | undefined;
}

/** A token with what decides about it, in one flat object. */
interface Entry extends Thresholds {
  readonly token: AccessToken;
  /** For how long it was good when it came, in seconds: a fresh one would be no better. */
  readonly longest: number;
  /** When it came, on the monotonic clock. */
  readonly came: number;
}

/** After a failure: until when (on the monotonic clock) nobody asks again, and whose wish that is. */
interface Pause {
  readonly until: number;
  /** What the server said with `Retry-After`. */
  readonly wish?: TokenError;
}

/** How long a failed early renewal is not tried again, in seconds, when the server does not say. */
const COOL_DOWN = 30;
/**
 * How long nobody else asks, in milliseconds: every request ends before. In a Worker one that was made for a visitor who
 * has left never ends.
 */
const LONGEST_FLIGHT = 60_000;
/** How far the wall clock may go back behind a token's making before that token's times mean nothing, in seconds. */
const BACKWARDS = 60;

/**
 * The tokens of one client, without the `fetch` that uses them: the smallest way to a token that is always good.
 *
 * @param issuer from `discover` or `issuerFromMetadata`
 * @param client who asks
 * @param grant how a token is got
 */
export function tokenCache(issuer: Issuer, client: Client, grant: Grant): TokenCache {
  const { clock } = issuer.http;
  const entries = new Map<string, Entry>();
  const flights = new Map<string, Flight<Entry>>();
  const pauses = new Map<string, Pause>();
  /**
   * The whole answer to calls that name a scope at most. To make their key costs more than the rest, and so does a look
   * at the token: among thousands it is seldom in the processor's cache.
   */
  const answers = new Map<string | undefined, Promise<AccessToken>>();
  /** Before this none of them is due, in epoch seconds. */
  let due = Infinity;
  /** Whose last token was called bad: a grant with a cache of its own must not give it again. */
  const distrusted = new Set<string>();
  let generation = 0;
  /** From here on the wall clock is behind none of the tokens' making, in epoch seconds. */
  let trusted = Infinity;

  const seconds = () => clock.now() / 1000;

  /** By both clocks: one may have been set back, the other may have stood still while the machine slept. */
  function valid(entry: Entry | undefined, now: number): entry is Entry {
    return entry !== undefined && entry.token.expiresAt > now &&
      clock.monotonic() - entry.came < entry.longest * 1000;
  }

  function get(options?: GetOptions): Promise<AccessToken> {
    const now = clock.now() / 1000;
    return now < due && now > trusted && isPlain(options) && answers.get(options?.scope) ||
      look(now, options);
  }

  async function look(now: number, options?: GetOptions): Promise<AccessToken> {
    const key = options ? keyOf(grant.defaults, options) : "";
    const entry = entries.get(key);
    if (entry === undefined || !isGood(entry, now, options)) {
      return await slow(key, entry, now, options ?? {});
    }
    if (isPlain(options)) {
      if (now >= due) forgetAnswers();
      due = Math.min(due, entry.soft);
      answers.set(options?.scope, Promise.resolve(entry.token));
    }
    return entry.token;
  }

  function forgetAnswers(): void {
    answers.clear();
    due = Infinity;
  }

  async function slow(
    key: string,
    entry: Entry | undefined,
    now: number,
    options: GetOptions,
  ): Promise<AccessToken> {
    const { minValidity, force, signal } = options;
    const usable = !force && valid(entry, now) ? entry : undefined;
    const pause = pauses.get(key);
    const pausing = (pause?.until ?? 0) - clock.monotonic();
    if (usable && usable.token.expiresAt - now >= (minValidity ?? 0) && now < usable.hard) {
      if (pausing <= 0) renew(key, options).waiting = Infinity;
      return usable.token;
    }
    const spare = minValidity === undefined ? usable : undefined;
    if (spare && pausing > 0) return spare.token;
    if (pause?.wish && pausing > 0) throw stillPaused(pause.wish, pausing);
    try {
      return (await unlessItHangs(renewed(key, options), spare)).token;
    } catch (error) {
      const left = minValidity === undefined && !force && !signal?.aborted ? entries.get(key) : undefined;
      if (valid(left, seconds())) return left.token;
      throw error;
    }
  }

  /** A valid token is not held back by a server that hangs: half of what is left of it must do for the renewal. */
  async function unlessItHangs(work: Promise<Entry>, spare: Entry | undefined): Promise<Entry> {
    if (!spare) return await work;
    const end = new AbortController();
    const patience = (spare.token.expiresAt - seconds()) * 500;
    const enough = clock.sleep(patience, end.signal).then(() => spare);
    try {
      return await Promise.race([work, enough]);
    } finally {
      end.abort(OVER);
    }
  }

  async function renewed(key: string, options: GetOptions): Promise<Entry> {
    const { signal } = options;
    for (;;) {
      if (signal?.aborted) throw givenUp(false);
      const flight = renew(key, options);
      try {
        const entry = await join(flight, signal);
        if (flight.generation === generation) return entry;
        // begun before the tokens were called bad: what it brought may be as bad
        const newer = entries.get(key);
        if (valid(newer, seconds())) return newer;
      } catch (error) {
        // all others left it just before this caller came
        const abandoned = flight.abort.signal.aborted && isTokenError(error) && error.code === "aborted";
        // the runtime's word, in a Worker: the visitor for whom it was begun has left
        const lost = !flight.ended;
        if (!(abandoned || lost) || signal?.aborted) throw error;
        if (lost && flights.get(key) === flight) flights.delete(key);
      }
    }
  }

  function renew(key: string, options: GetOptions): Flight<Entry> {
    const running = flights.get(key);
    const begun = clock.monotonic();
    if (running && running.generation === generation && begun - running.begun < LONGEST_FLIGHT) {
      return running;
    }
    const abort = new AbortController();
    const promise = obtain(key, options, abort.signal, generation);
    const flight: Flight<Entry> = { promise, generation, begun, abort, ended: false, waiting: 0 };
    flights.set(key, flight);
    const landed = () => {
      flight.ended = true;
      if (flights.get(key) === flight) flights.delete(key);
    };
    promise.then(landed, landed);
    return flight;
  }

  async function obtain(
    key: string,
    options: GetOptions,
    signal: AbortSignal,
    begun: number,
  ): Promise<Entry> {
    try {
      const parameters = parametersOf(grant.defaults, options);
      const force = options.force === true || distrusted.has(key);
      const request = { issuer, client, ...parameters, minValidity: options.minValidity, force, signal };
      const { refreshToken: _kept, ...token } = await grant.obtain(request);
      const entry: Entry = {
        token,
        ...thresholds(token.issuedAt, token.expiresAt, Math.random()),
        longest: token.expiresAt - seconds(),
        came: clock.monotonic(),
      };
      if (begun === generation) {
        pauses.delete(key);
        distrusted.delete(key);
        if (token.expiresAt > token.issuedAt) entries.set(key, entry);
      }
      return entry;
    } catch (error) {
      if (begun === generation && !signal.aborted) pauses.set(key, pauseAfter(error, clock.monotonic()));
      throw error;
    } finally {
      sweep();
    }
  }

  /** What is over is forgotten: a server may ask for any number of audiences. */
  function sweep(): void {
    const [now, instant] = [seconds(), clock.monotonic()];
    forgetAnswers();
    trusted = -Infinity;
    for (const [key, { token }] of entries) {
      if (token.expiresAt <= now) entries.delete(key);
      else trusted = Math.max(trusted, token.issuedAt - BACKWARDS);
    }
    for (const [key, { until }] of pauses) if (until <= instant) pauses.delete(key);
  }

  return {
    get,
    invalidate: (accessToken) => {
      const all = accessToken === undefined;
      if (all) {
        generation++;
        pauses.clear();
        distrusted.add("");
      }
      forgetAnswers();
      for (const [key, { token }] of entries) {
        if (!all && token.accessToken !== accessToken) continue;
        entries.delete(key);
        pauses.delete(key);
        distrusted.add(key);
      }
    },
    peek: (options) => {
      const entry = entries.get(options ? keyOf(grant.defaults, options) : "");
      return valid(entry, seconds()) ? entry.token : undefined;
    },
  };
}

/** Whether a call asks for a scope at most. */
function isPlain(options?: GetOptions): boolean {
  if (!options) return true;
  const { audience, resource, authorizationDetails, extra, minValidity, force } = options;
  return (audience ?? resource ?? authorizationDetails ?? extra ?? minValidity ?? force) === undefined;
}

/** Whether a token can be handed out without a thought of renewing it. */
function isGood(entry: Entry, now: number, options?: GetOptions): boolean {
  return now < entry.soft && now > entry.token.issuedAt - BACKWARDS &&
    (options === undefined || satisfies(entry, now, options));
}

/** Whether a token before its soft point needs no renewal for this call. */
function satisfies(entry: Entry, now: number, { minValidity, force }: GetOptions): boolean {
  if (force) return false;
  // longer than a fresh one: to ask again at each call helps nobody
  return minValidity === undefined || entry.token.expiresAt - now >= minValidity ||
    minValidity > entry.longest;
}

function pauseAfter(error: unknown, now: number): Pause {
  const wish = isTokenError(error) && error.retryAfter !== undefined ? error : undefined;
  return { until: now + Math.max(wish?.retryAfter ?? COOL_DOWN, 1) * 1000, wish };
}

/** The server's own words again, without asking it again. */
function stillPaused(wish: TokenError, milliseconds: number): TokenError {
  const retryAfter = Math.ceil(milliseconds / 1000);
  return new TokenError(wish.code, wish.message, { ...wish, retryAfter, sent: false });
}
