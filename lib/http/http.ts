/**
 * The only door to the network: one request, one answer that was read to its end, within a deadline and a limit.
 *
 * @module
 */

import { type Clock, systemClock } from "../clock.ts";
import { isTokenError } from "../errors.ts";
import { safeText } from "../safe_text.ts";
import { readAnswer } from "./_answer.ts";
import { OVER, untilAborted } from "./abort.ts";
import { failure, type Flight } from "./_flight.ts";
import { networkError } from "./_network_error.ts";
import { retryAfterSeconds } from "./retry_after.ts";
import { checkUrl } from "./url.ts";

/** The part of `fetch` this package uses. */
export type Fetch = (input: string, init: RequestInit) => Promise<Response>;

/** How a client reaches the network. */
export interface HttpOptions {
  /** What sends the requests: the place for a proxy, a client certificate or a binding. Default: the runtime's `fetch`. */
  fetch?: Fetch;
  /** Default: the clock of the machine. */
  clock?: Clock;
  /** How long one exchange may take, the body included, in milliseconds. Default: 15,000. */
  timeout?: number;
  /** Permits `http` to `127.0.0.1`, `[::1]` and `localhost`. Default: false. */
  allowInsecureLoopback?: boolean;
}

/** A client's way to the network, made by {@linkcode createHttp}. */
export interface Http {
  /** What sends the requests; absent for the runtime's `fetch`. */
  readonly fetch?: Fetch;
  /** Where time comes from. */
  readonly clock: Clock;
  /** How long one exchange may take, in milliseconds. */
  readonly timeout: number;
  /** Whether `http` to this machine is permitted. */
  readonly allowInsecureLoopback: boolean;
}

/** One request. */
export interface HttpRequest {
  /** Where it goes: `https`, without user name and fragment. */
  url: string | URL;
  /** The method, in capitals. */
  method: string;
  /** `accept-encoding` and `connection` are always replaced. */
  headers?: HeadersInit;
  /** The content, if any. */
  body?: BodyInit | null;
  /** Ends the exchange at once. */
  signal?: AbortSignal;
  /** The longest body that is taken, decoded, in bytes. Default: 131,072. */
  limit?: number;
  /** How long the exchange may take, in milliseconds. Default: that of the {@linkcode Http}. */
  timeout?: number;
}

/** One answer, read to its end. */
export interface HttpAnswer {
  /** The URL that was asked. */
  readonly url: string;
  /** The status, never 3xx. */
  readonly status: number;
  /** The headers. */
  readonly headers: Headers;
  /** The body, decoded; empty when there was none. */
  readonly body: Uint8Array;
  /** How long the server asks to be left alone, in seconds. */
  readonly retryAfter?: number;
}

const LIMIT = 131_072;
// Below so many bytes a millisecond after so many milliseconds of reading, an answer counts as stuck.
const SLOWEST = 0.1;
const PATIENCE = 5000;

/** Makes a way to the network out of its options. */
export function createHttp(
  { fetch, clock = systemClock, timeout = 15_000, allowInsecureLoopback = false }: HttpOptions = {},
): Http {
  return Object.freeze({ fetch, clock, timeout, allowInsecureLoopback });
}

/**
 * Sends a request and reads the whole answer. Redirects are never followed: they would carry secrets elsewhere
 * (RFC 9700 section 4.12).
 *
 * @throws {TokenError} `insecure_url` when the URL may not be asked; nothing was sent
 * @throws {TokenError} `invalid_argument` when a header has characters that a header cannot have; nothing was sent
 * @throws {TokenError} `invalid_response` when the answer is a redirect, too long, or compressed where that is not undone
 * @throws {TokenError} `network` when the server cannot be reached or the connection breaks; `sent` tells which
 * @throws {TokenError} `timeout` when the answer does not come in time, or slower than 100 bytes a second
 * @throws {TokenError} `aborted` when the signal of the request says so
 */
export async function exchange(http: Http, request: HttpRequest): Promise<HttpAnswer> {
  const url = checkUrl(request.url, http);
  const end = new AbortController();
  const flight: Flight = { host: safeText(url.host), signal: end.signal, received: 0 };
  try {
    // A race, because a `fetch` that was passed in need not listen to its signal.
    const timeout = request.timeout ?? http.timeout;
    const race = () =>
      Promise.race([deadline(http.clock, timeout, flight), send(http, request, url, flight)]);
    return await untilAborted(race, request.signal, flight.host);
  } finally {
    // Ends what is left: the request, the reading, the timer.
    end.abort(OVER);
  }
}

async function deadline(clock: Clock, timeout: number, flight: Flight): Promise<never> {
  const start = clock.monotonic();
  for (let now = start;; now = clock.monotonic()) {
    const reading = now - (flight.since ?? now);
    if (now - start >= timeout || reading >= PATIENCE && flight.received < reading * SLOWEST) {
      const seconds = Math.round((now - start) / 100) / 10;
      const phase = flight.since === undefined ? "waiting for" : "reading";
      throw failure(flight, "timeout", `gave up after ${seconds} s, ${phase} the answer`);
    }
    await clock.sleep(Math.min(1000, start + timeout - now), flight.signal);
  }
}

async function send(
  { clock, fetch = globalThis.fetch }: Http,
  { method, headers, body, limit = LIMIT }: HttpRequest,
  { href: url }: URL,
  flight: Flight,
): Promise<HttpAnswer> {
  const given = requestHeaders(headers, flight);
  try {
    // `fetch` is a plain variable here: called as a method of something else, a worker's throws.
    const response = await fetch(url, {
      method,
      headers: given,
      body,
      redirect: "manual",
      signal: flight.signal,
      // Bun's own: it unpacks all that has come, even when nobody reads it any more, and 16 KiB of zstd become 800 MiB.
      decompress: false,
    } as RequestInit);
    flight.since = clock.monotonic();
    const { status, headers } = response;
    const retryAfter = retryAfterSeconds(headers, clock.now());
    return { url, status, headers, retryAfter, body: await readAnswer(response, limit, flight) };
  } catch (error) {
    throw isTokenError(error) ? error : networkError(error as Error | undefined, flight);
  }
}

function requestHeaders(given: HeadersInit = [], flight: Flight): Headers {
  try {
    // Visible ASCII, spaces and tabs (RFC 9110 section 5.5). Not left to `Headers`: workerd's take other characters, send
    // them as UTF-8, and show the value on the console.
    if (/[^\t -~]/.test(Object.values(given).join())) throw 0;
    const headers = new Headers(given);
    // Browsers and workers set these two themselves. What is not packed cannot grow; else the counter has to do.
    headers.set("accept-encoding", "identity");
    // A kept connection may be dead by the next request. Deno then sends that one again, even if it was a refresh token
    // that the server has already taken.
    headers.set("connection", "close");
    return headers;
  } catch {
    // What the runtime says would quote the value.
    throw failure(flight, "invalid_argument", "a header is malformed", { sent: false });
  }
}
