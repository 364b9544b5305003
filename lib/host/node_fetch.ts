/**
 * `fetch` over `node:http` and `node:https`: what trusts other authorities, and goes through a proxy, on every runtime.
 *
 * @module
 */

import * as http from "node:http";
import * as https from "node:https";
import { Readable } from "node:stream";
import * as tls from "node:tls";
import * as zlib from "node:zlib";
import type { Fetch } from "../http/http.ts";
import { connect, proxyAuthorization } from "./_connect.ts";

/** What {@linkcode nodeFetch} is made of. */
export interface NodeFetchOptions {
  /** Whom to trust, in PEM; asked once, before the first `https` request. */
  certificates(): readonly string[];
  /** The proxy for a URL, if any. */
  proxyFor(url: URL): URL | undefined;
}

/**
 * How long an idle connection is kept, in milliseconds. A server that drops it unseen would make the next request fail in
 * a way that leaves open whether it arrived.
 */
const IDLE_TIME = 4000;
/** Fetch standard, "null body status". */
const WITHOUT_BODY = [101, 204, 205, 304];

/**
 * Makes a `fetch`. Unlike the standard one it never follows a redirect: the 3xx answer is handed over as it is. Failures
 * are a `TypeError` with the `code` of the system; one with the `syscall` `connect` came before anything was sent.
 */
export function nodeFetch(options: NodeFetchOptions): Fetch {
  let context: tls.SecureContext | undefined;
  const secureContext = () => context ??= tls.createSecureContext({ ca: [...options.certificates()] });
  const agents = new Map<string, http.Agent>();
  const agentFor = (target: URL, proxy?: URL): http.Agent => {
    const key = `${target.protocol} ${proxy?.href ?? ""}`;
    let agent = agents.get(key);
    if (agent === undefined) agents.set(key, agent = connectingAgent(target.protocol, secureContext, proxy));
    return agent;
  };
  return async (input, init) => {
    const signal = init.signal ?? undefined;
    signal?.throwIfAborted();
    const target = new URL(input);
    const proxy = options.proxyFor(target);
    // The standard class knows how a body becomes bytes and which content type that has.
    const isStream = init.body instanceof ReadableStream;
    const request = new Request(target, {
      ...init,
      signal: null,
      ...(isStream ? { duplex: "half" } : {}),
    } as RequestInit);
    const body = isStream ? request.body! : new Uint8Array(await request.arrayBuffer());
    const headers = headersOf(
      request,
      body,
      proxy !== undefined && target.protocol === "http:" ? proxy : undefined,
    );
    const agent = agentFor(target, proxy);
    const message = await send(target, { method: request.method, headers, agent }, body, proxy, signal);
    return response(message, request.method, target, signal);
  };
}

/** An agent keeps connections for later requests; how one is made is our affair, not that of some environment variable. */
function connectingAgent(protocol: string, secureContext: () => tls.SecureContext, proxy?: URL): http.Agent {
  const options = { keepAlive: true, timeout: IDLE_TIME };
  const agent = protocol === "https:" ? new https.Agent(options) : new http.Agent(options);
  const make = (given: ConnectionOptions, done: (error: Error | null, socket?: unknown) => void): void => {
    connect({ target: given.target, proxy, secureContext, signal: given.gaveUp })
      .then((socket) => done(null, socket), (error) => done(Object.assign(error, { syscall: "connect" })));
  };
  (agent as unknown as { createConnection: typeof make }).createConnection = make;
  return agent;
}

/** What `request` hands on to the agent, with what {@linkcode send} adds. */
interface ConnectionOptions {
  readonly target: URL;
  readonly gaveUp?: AbortSignal;
}

function headersOf(request: Request, body: Uint8Array | ReadableStream, proxy?: URL): Record<string, string> {
  const headers: Record<string, string> = { accept: "*/*", "user-agent": "apex-token" };
  request.headers.forEach((value, name) => headers[name] = value);
  const isEmpty = body instanceof Uint8Array && body.length === 0;
  if (body instanceof Uint8Array && !(isEmpty && /^(?:GET|HEAD)$/.test(request.method))) {
    headers["content-length"] = String(body.length);
  }
  const authorization = proxy && proxyAuthorization(proxy);
  if (authorization !== undefined) headers["proxy-authorization"] = authorization;
  return headers;
}

function send(
  target: URL,
  options: { method: string; headers: Record<string, string>; agent: http.Agent },
  body: Uint8Array | ReadableStream,
  proxy: URL | undefined,
  signal: AbortSignal | undefined,
): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { request } = target.protocol === "https:" ? https : http;
    const outgoing = request(target, {
      ...options,
      ...(proxy !== undefined && target.protocol === "http:" ? { path: target.href.split("#")[0] } : {}),
      ...({ target, gaveUp: signal } satisfies ConnectionOptions),
    });
    const abort = (): void => {
      outgoing.destroy();
      reject(signal!.reason);
    };
    signal?.addEventListener("abort", abort, { once: true });
    outgoing.once("response", (message) => {
      signal?.removeEventListener("abort", abort);
      resolve(message);
    });
    outgoing.on("error", (error) => {
      signal?.removeEventListener("abort", abort);
      reject(failure(error, signal));
    });
    if (body instanceof Uint8Array) outgoing.end(body);
    else {Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]).on("error", abortWith(outgoing))
        .pipe(outgoing);}
  });
}

function abortWith(outgoing: http.ClientRequest): (error: Error) => void {
  return (error) => outgoing.destroy(error);
}

function response(
  message: http.IncomingMessage,
  method: string,
  target: URL,
  signal: AbortSignal | undefined,
): Response {
  const headers = new Headers();
  for (let index = 0; index < message.rawHeaders.length; index += 2) {
    headers.append(message.rawHeaders[index], message.rawHeaders[index + 1]);
  }
  const status = message.statusCode!;
  const isEmpty = method === "HEAD" || WITHOUT_BODY.includes(status);
  if (isEmpty) message.resume();
  const answer = new Response(isEmpty ? null : bodyStream(message, headers, signal), { status, headers });
  return Object.defineProperty(answer, "url", { value: target.href });
}

function bodyStream(
  message: http.IncomingMessage,
  headers: Headers,
  signal: AbortSignal | undefined,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const abort = (): void => void message.destroy(new Error("aborted"));
  const finish = (): void => signal?.removeEventListener("abort", abort);
  signal?.addEventListener("abort", abort, { once: true });
  if (signal?.aborted) abort();
  const chunks = decoded(message, headers.get("content-encoding"))[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await chunks.next();
        if (!done) return controller.enqueue(new Uint8Array(value));
        finish();
        controller.close();
      } catch (error) {
        finish();
        controller.error(failure(error, signal));
      }
    },
    cancel() {
      finish();
      message.destroy();
    },
  });
}

/** Undoes one content encoding, as the standard `fetch` does. Nobody asked for one. */
function decoded(message: http.IncomingMessage, encoding: string | null): Readable {
  const decoders: Record<string, () => NodeJS.ReadWriteStream> = {
    gzip: zlib.createGunzip,
    "x-gzip": zlib.createGunzip,
    deflate: zlib.createInflate,
    br: zlib.createBrotliDecompress,
  };
  const decoder = decoders[(encoding ?? "").trim().toLowerCase()]?.() as
    | (Readable & NodeJS.WritableStream)
    | undefined;
  if (decoder === undefined) return message;
  message.on("error", (error) => decoder.destroy(error));
  return message.pipe(decoder);
}

/** Rebuilds what the system threw: with its code, without its words. */
function failure(error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason;
  const { code, syscall } = error as { code?: unknown; syscall?: unknown };
  const rebuilt = new TypeError("fetch failed");
  if (typeof code === "string") Object.assign(rebuilt, { code });
  if (typeof syscall === "string") Object.assign(rebuilt, { syscall });
  return rebuilt;
}
