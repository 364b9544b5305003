/**
 * Tokens over time: a source that gives a valid token whenever it is asked, with as few requests as there can be.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import { type Client, issuerFor } from "../oauth/client.ts";
import type { Issuer } from "../oauth/issuer.ts";
import type { TokenParameters } from "../oauth/token_request.ts";
import type { TokenSet } from "../oauth/token_set.ts";
import { authorizedFetch } from "./authorized_fetch.ts";
import { type Thresholds, thresholds } from "./expiry.ts";
import type { Grant } from "./grant.ts";

/** What a source hands out: a token set without what only the source may hold. */
export type AccessToken = Omit<TokenSet, "refreshToken">;

/** Options of {@linkcode TokenSource.get}. */
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

/** Gives a token that is valid for at least as long as asked. Made by {@linkcode tokenSource}. */
export interface TokenSource {
  /**
   * A valid access token: from memory, or from one request that all callers share.
   *
   * @throws {TokenError} `sign_in_required`, `server_refused`, `unavailable`, `network`, `timeout`, `aborted`, …
   */
  get(options?: GetOptions): Promise<AccessToken>;
  /**
   * `fetch` with the token in the `Authorization` header. On a 401 it renews the token once and sends the request
   * again if its body can be sent twice. Follows redirects of GET and HEAD, without the token once the origin changes.
   *
   * @throws {TokenError} as `get`; `insecure_url` for a URL that is not `https`
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** Forgets the cached tokens, or just the one given, and ignores the answers of requests already under way. */
  invalidate(accessToken?: string): void;
  /** The cached token if it is still valid, without waiting and without any request. */
  peek(options?: TokenParameters): AccessToken | undefined;
}

interface Entry {
  readonly token: AccessToken;
  readonly at: Thresholds;
}

interface Flight {
  readonly promise: Promise<Entry>;
  readonly generation: number;
  readonly abort: AbortController;
  waiting: number;
}

/** How long a failed early renewal is not tried again, in seconds. */
const COOL_DOWN = 30;

/**
 * A source of tokens for one client.
 *
 * @param issuer from `discover` or `issuerFromMetadata`
 * @param client who asks
 * @param grant how a token is got
 */
export function tokenSource(issuer: Issuer, client: Client, grant: Grant): TokenSource {
  const { http } = issuerFor(issuer, client);
  const { clock } = http;
  const entries = new Map<string, Entry>();
  const flights = new Map<string, Flight>();
  const coolUntil = new Map<string, number>();
  let generation = 0;

  const seconds = () => clock.now() / 1000;

  function valid(entry: Entry | undefined, now: number): entry is Entry {
    return entry !== undefined && entry.token.expiresAt > now;
  }

  async function get(options?: GetOptions): Promise<AccessToken> {
    const key = options ? keyOf(grant, options) : "";
    const entry = entries.get(key);
    const now = clock.now() / 1000;
    if (
      entry !== undefined && now < entry.at.soft && (options === undefined || satisfies(entry, now, options))
    ) {
      return entry.token;
    }
    return await slow(key, entry, now, options ?? {});
  }

  async function slow(
    key: string,
    entry: Entry | undefined,
    now: number,
    options: GetOptions,
  ): Promise<AccessToken> {
    const needed = options.minValidity;
    const longEnough = valid(entry, now) && entry.token.expiresAt - now >= (needed ?? 0);
    if (longEnough && !options.force && now < entry.at.hard) {
      if (now >= (coolUntil.get(key) ?? 0)) renew(key, options).promise.catch(() => {});
      return entry.token;
    }
    if (valid(entry, now) && needed === undefined && !options.force && now < (coolUntil.get(key) ?? 0)) {
      return entry.token;
    }
    try {
      return (await join(renew(key, options), options.signal)).token;
    } catch (error) {
      const left = entries.get(key);
      if (needed === undefined && !options.force && !options.signal?.aborted && valid(left, seconds())) {
        return left.token;
      }
      throw error;
    }
  }

  function renew(key: string, options: GetOptions): Flight {
    const running = flights.get(key);
    if (running && running.generation === generation) return running;
    const abort = new AbortController();
    const flight: Flight = {
      promise: obtain(key, options, abort.signal, generation),
      generation,
      abort,
      waiting: 0,
    };
    flights.set(key, flight);
    const landed = () => {
      if (flights.get(key) === flight) flights.delete(key);
    };
    flight.promise.then(landed, landed);
    return flight;
  }

  async function obtain(
    key: string,
    options: GetOptions,
    signal: AbortSignal,
    begun: number,
  ): Promise<Entry> {
    try {
      const parameters = parametersOf(grant, options);
      const { refreshToken: _kept, ...token } = await grant.obtain({ issuer, client, ...parameters, signal });
      const entry: Entry = { token, at: thresholds(token.issuedAt, token.expiresAt, Math.random()) };
      if (begun === generation && token.expiresAt > token.issuedAt) {
        entries.set(key, entry);
        coolUntil.delete(key);
      }
      return entry;
    } catch (error) {
      const wait = error instanceof TokenError ? error.retryAfter : undefined;
      coolUntil.set(key, seconds() + (wait ?? COOL_DOWN));
      throw error;
    }
  }

  const source: TokenSource = {
    get,
    fetch: (input, init) => authorizedFetch(source, { http, dpop: client.dpop }, input, init),
    invalidate: (accessToken) => {
      if (accessToken === undefined) {
        generation++;
        entries.clear();
        coolUntil.clear();
        return;
      }
      for (const [key, entry] of entries) {
        if (entry.token.accessToken !== accessToken) continue;
        entries.delete(key);
        coolUntil.delete(key);
      }
    },
    peek: (options) => {
      const entry = entries.get(options ? keyOf(grant, options) : "");
      return valid(entry, seconds()) ? entry.token : undefined;
    },
  };
  return source;
}

/** Whether a token before its soft point needs no renewal for this call. */
function satisfies({ token, at }: Entry, now: number, { minValidity = 0, force }: GetOptions): boolean {
  if (force) return false;
  // a fresh token would be no longer: asking again at each call helps nobody
  const tooShortEvenWhenFresh = minValidity > at.hard - token.issuedAt;
  return tooShortEvenWhenFresh || token.expiresAt - now >= minValidity;
}

/** Waits for a flight. The flight itself ends when the last of those who wait has left. */
async function join(flight: Flight, signal?: AbortSignal): Promise<Entry> {
  if (!signal) {
    flight.waiting = Infinity;
    return await flight.promise;
  }
  flight.waiting++;
  let leave = () => {};
  const left = new Promise<never>((_, reject) => {
    leave = () => {
      reject(new TokenError("aborted", "The wait for a token was stopped"));
      if (--flight.waiting === 0) flight.abort.abort();
    };
    if (signal.aborted) return leave();
    signal.addEventListener("abort", leave, { once: true });
  });
  try {
    return await Promise.race([flight.promise, left]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

function parametersOf(grant: Grant, options: GetOptions): TokenParameters {
  const { scope, audience, resource } = { ...grant.defaults, ...defined(options) };
  return defined({ scope, audience, resource });
}

function defined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

/** The cache key: scopes in any order are the same request; the defaults themselves are `""`. */
function keyOf(grant: Grant, options: TokenParameters): string {
  if (options.scope === undefined && options.audience === undefined && options.resource === undefined) {
    return "";
  }
  const key = identity({ ...grant.defaults, ...defined(options) });
  return key === identity(grant.defaults) ? "" : key;
}

function identity({ scope, audience, resource }: TokenParameters): string {
  const scopes = scope?.split(" ").filter(Boolean).sort();
  return JSON.stringify([scopes ?? null, audience ?? null, [resource ?? []].flat().sort()]);
}
