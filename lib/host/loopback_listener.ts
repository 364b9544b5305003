/**
 * Waiting for a browser to come back with the answer of an authorization endpoint (RFC 8252 section 7.3).
 *
 * @module
 */

import type { Server, Socket } from "node:net";
import { type Clock, systemClock } from "../clock.ts";
import { TokenError } from "../errors.ts";
import { callbackAnswer, type CallbackPage } from "./_callback_page.ts";
import { type CallbackRequest, headReader } from "./_callback_request.ts";
import { loopbackSockets } from "./_loopback_sockets.ts";
import { abortError } from "./interrupt.ts";

/** What to wait for. */
export interface ListenOptions {
  /**
   * The redirect URI, exactly as it is registered, such as `http://127.0.0.1:4242/callback`; port 0 means any free port.
   * Default: `/callback` on a free port of 127.0.0.1, or of `[::1]` where there is no IPv4.
   */
  readonly redirectUri?: string;
  /**
   * Whether these parameters are the awaited answer, that is, whether `state` fits. Anything else is turned away, and the
   * waiting goes on. What it throws ends the waiting.
   */
  accept(parameters: URLSearchParams): boolean;
  /** How long to wait, in milliseconds. Default: 300,000. */
  readonly timeout?: number;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

/** Sockets on the loopback interface that take one answer. */
export interface CallbackListener {
  /** What to send as `redirect_uri`, with the real port. */
  readonly redirectUri: string;
  /**
   * The parameters of the one accepted answer, which may be an error. It rejects with a `TokenError`: `timeout` when none
   * came in time, `aborted` when `signal` aborted or the listener was closed.
   */
  readonly answer: Promise<URLSearchParams>;
  /** Ends everything that is left. The sockets stop listening by themselves once `answer` is settled. */
  close(): Promise<void>;
}

const MOST_CONNECTIONS = 16;
/** How long one connection may take, in milliseconds. */
const CONNECTION_TIME = 10_000;
const TIMEOUT = 300_000;

/** What became of a request: a page for it, and the parameters if they may be the answer. */
interface Verdict {
  readonly status: number;
  readonly page: CallbackPage;
  readonly parameters?: URLSearchParams;
}

/**
 * Listens on the loopback interface, and only there, for one answer.
 *
 * @throws {TokenError} `invalid_argument` when `redirectUri` is not a loopback URI, or when its port cannot be had
 * @throws {TokenError} `aborted` when `signal` has aborted already
 */
export async function listen(options: ListenOptions, clock: Clock = systemClock): Promise<CallbackListener> {
  const { accept, timeout = TIMEOUT, signal } = options;
  if (signal?.aborted) throw abortError(signal);
  const connections = new Set<Socket>();
  const ending = new AbortController();
  let settle!: { resolve(parameters: URLSearchParams): void; reject(error: unknown): void };
  const answer = new Promise<URLSearchParams>((resolve, reject) => settle = { resolve, reject });
  // Whoever closes without waiting for the answer did not forget to handle its rejection.
  answer.catch(() => {});

  let servers: readonly Server[] = [];
  const stopListening = (): Promise<unknown> => {
    ending.abort();
    signal?.removeEventListener("abort", abort);
    return Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  };
  const end = (error: unknown): Promise<unknown> => {
    settle.reject(error);
    const stopped = stopListening();
    for (const socket of connections) socket.destroy();
    return stopped;
  };
  const abort = (): void => void end(abortError(signal!));

  let isAnswered = false;
  const handle = (request: CallbackRequest, respond: (verdict: Verdict) => Promise<void>): void => {
    const verdict = judge(request, expected);
    if (verdict.parameters === undefined || isAnswered) {
      return void respond(isAnswered ? UNEXPECTED : verdict);
    }
    try {
      if (!accept(verdict.parameters)) return void respond(UNEXPECTED);
    } catch (error) {
      isAnswered = true;
      return void respond(UNEXPECTED).then(() => end(error));
    }
    isAnswered = true;
    const { parameters } = verdict;
    stopListening();
    // The page first: the program may end as soon as it has the answer.
    respond(verdict).then(() => settle.resolve(parameters));
  };

  const sockets = await loopbackSockets(options.redirectUri, (socket) => {
    // Before the last socket listens nobody can know the redirect URI.
    if (servers.length === 0 || connections.size >= MOST_CONNECTIONS) return void socket.destroy();
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
    serve(socket, clock, handle);
  });
  servers = sockets.servers;
  const expected = new URL(sockets.redirectUri);
  signal?.addEventListener("abort", abort);
  if (signal?.aborted) abort();
  clock.sleep(timeout, ending.signal).then(() => end(late(timeout)), () => {});
  const close = async (): Promise<void> => {
    await end(new TokenError("aborted", "Cannot wait for the browser any longer: the listener was closed"));
  };
  return { redirectUri: sockets.redirectUri, answer, close };
}

const UNEXPECTED: Verdict = { status: 400, page: "unexpected" };

/** Looks at everything about a request that does not depend on the sign-in. */
function judge({ method, target, headers }: CallbackRequest, expected: URL): Verdict {
  const refused = (status: number): Verdict => ({ status, page: "refused" });
  const is = (name: string, ...values: string[]): boolean => {
    const value = headers.get(name);
    return value === undefined || values.includes(value.toLowerCase());
  };
  // A page on another site that has its name point to 127.0.0.1 still sends that name.
  if (headers.get("host")?.toLowerCase() !== expected.host) return refused(421);
  // The browser itself comes without an origin; a script or a form of some page does not.
  if (!is("origin", "null")) return refused(403);
  const [path, query = ""] = splitOnce(target, "?");
  if (path !== expected.pathname) return refused(404);
  if (method !== "GET") return refused(405);
  if (!is("sec-fetch-mode", "navigate") || !is("sec-fetch-dest", "document")) return refused(403);
  const parameters = new URLSearchParams(query);
  const names = [...parameters.keys()];
  // RFC 6749 section 3.1: no parameter twice. RFC 9700 section 2.1.2: no tokens here.
  if (new Set(names).size !== names.length) return UNEXPECTED;
  if (["access_token", "id_token", "refresh_token"].some((name) => parameters.has(name))) return UNEXPECTED;
  return { status: 200, page: parameters.has("error") ? "declined" : "done", parameters };
}

/** Reads one request from a connection and answers it. */
function serve(
  socket: Socket,
  clock: Clock,
  handle: (request: CallbackRequest, respond: (verdict: Verdict) => Promise<void>) => void,
): void {
  const closed = new AbortController();
  const read = headReader();
  let isRead = false;
  const respond = ({ status, page }: Verdict): Promise<void> =>
    new Promise((resolve) => {
      closed.signal.addEventListener("abort", () => resolve());
      socket.end(callbackAnswer(status, page), () => resolve());
    });
  clock.sleep(CONNECTION_TIME, closed.signal).then(() => socket.destroy(), () => {});
  socket.on("close", () => closed.abort());
  // A connection that breaks is the browser's affair: it comes again.
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    if (isRead) return;
    const head = read(chunk as Uint8Array);
    if (head === undefined) return;
    isRead = true;
    if ("refused" in head) respond({ status: head.refused, page: "refused" });
    else handle(head.request, respond);
  });
}

function splitOnce(text: string, separator: string): [string, string?] {
  const index = text.indexOf(separator);
  return index === -1 ? [text] : [text.slice(0, index), text.slice(index + separator.length)];
}

function late(timeout: number): TokenError {
  const minutes = Math.round(timeout / 60_000);
  const time = minutes >= 1
    ? `${minutes} minute${minutes === 1 ? "" : "s"}`
    : `${Math.ceil(timeout / 1000)} s`;
  return new TokenError(
    "timeout",
    `Cannot finish the sign-in: no answer came from the browser within ${time}`,
    {
      retryable: false,
      nextStep: "Sign in again",
    },
  );
}
