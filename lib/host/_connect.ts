/**
 * Connections to a server, straight or through a proxy.
 *
 * @module
 */

import * as net from "node:net";
import * as tls from "node:tls";

/** What {@linkcode connect} needs to know. */
export interface ConnectOptions {
  /** The server, `http` or `https`. */
  readonly target: URL;
  /** The way there; absent for a direct connection. */
  readonly proxy?: URL;
  /** Whom to trust; called only when TLS is spoken. */
  secureContext(): tls.SecureContext;
  /** Gives up, even half way. */
  readonly signal?: AbortSignal;
}

/** An answer to `CONNECT` that is longer than this is no answer. In bytes. */
const LONGEST_PROXY_HEAD = 16 * 1024;

/**
 * Connects to the server of `target`: TCP, `CONNECT` (RFC 9110 section 9.3.6) if there is a proxy, TLS if it is `https`.
 * A plain `http` request through a proxy needs only the connection to the proxy.
 *
 * @throws what the socket says; nothing has been sent to the server then
 */
export async function connect({ target, proxy, secureContext, signal }: ConnectOptions): Promise<net.Socket> {
  signal?.throwIfAborted();
  const nearest = proxy ?? target;
  const reached = opened(net.connect({ host: plainHost(nearest), port: portOf(nearest) }), signal);
  let socket = await (proxy ? reached.catch(proxyOutOfReach) : reached);
  if (proxy?.protocol === "https:") socket = await secured(socket, proxy, secureContext(), signal);
  if (target.protocol !== "https:") return socket;
  if (proxy !== undefined) await tunnelled(socket, target, proxy, signal);
  return await secured(socket, target, secureContext(), signal);
}

/** The credentials in a proxy's URL, as a header has them (RFC 7617). */
export function proxyAuthorization(proxy: URL): string | undefined {
  if (proxy.username === "" && proxy.password === "") return undefined;
  // A URL has ASCII only, so what is decoded are bytes, whatever they mean.
  const bytes = (text: string): string =>
    text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  return `Basic ${btoa(`${bytes(proxy.username)}:${bytes(proxy.password)}`)}`;
}

/** A host as `node:net` wants it: without the brackets of IPv6. */
function plainHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

function portOf(url: URL): number {
  return url.port !== "" ? Number(url.port) : url.protocol === "https:" ? 443 : 80;
}

function opened(socket: net.Socket, signal?: AbortSignal): Promise<net.Socket> {
  return until(socket, signal, (done) => socket.once("connect", done)).then(() => socket);
}

async function secured(
  socket: net.Socket,
  url: URL,
  secureContext: tls.SecureContext,
  signal?: AbortSignal,
): Promise<net.Socket> {
  const host = plainHost(url);
  const wrapped = tls.connect({
    socket,
    host,
    secureContext,
    // An address is not a server name (RFC 6066 section 3), but the certificate is still compared with `host`.
    ...(net.isIP(host) === 0 ? { servername: host } : {}),
    ALPNProtocols: ["http/1.1"],
    // Said aloud, because an environment variable could say no.
    rejectUnauthorized: true,
  });
  await until(wrapped, signal, (done) => wrapped.once("secureConnect", done));
  return wrapped;
}

async function tunnelled(socket: net.Socket, target: URL, proxy: URL, signal?: AbortSignal): Promise<void> {
  const authority = `${target.hostname}:${portOf(target)}`;
  const authorization = proxyAuthorization(proxy);
  let head = "";
  await until(socket, signal, (done, fail) => {
    const read = (chunk: Uint8Array): void => {
      head += new TextDecoder("latin1").decode(chunk);
      if (head.includes("\r\n\r\n")) {
        socket.off("data", read);
        socket.pause();
        done();
      } else if (head.length > LONGEST_PROXY_HEAD) fail(connectError("PROXY_ANSWER", "no answer of a proxy"));
    };
    socket.on("data", read);
    socket.once("end", () => fail(connectError("PROXY_CLOSED", "the proxy closed the connection")));
    socket.write(
      `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n` +
        (authorization === undefined ? "" : `Proxy-Authorization: ${authorization}\r\n`) + "\r\n",
    );
  });
  const [, status] = /^HTTP\/1\.[01] (\d{3})/.exec(head) ?? [];
  // A server that speaks TLS waits for us: bytes behind the head come from somebody else.
  if (status?.startsWith("2") && head.endsWith("\r\n\r\n")) return;
  socket.destroy();
  throw connectError(`PROXY_STATUS_${status ?? "UNKNOWN"}`, "the proxy does not connect to the server");
}

/** Or it would read as if the server could not be reached. */
function proxyOutOfReach(error: { code?: string }): never {
  throw connectError(`PROXY_${error.code ?? "UNREACHABLE"}`, "the proxy cannot be reached");
}

function connectError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/** Waits for one event of a socket; an error, its end or the signal destroys it. */
function until(
  socket: net.Socket,
  signal: AbortSignal | undefined,
  begin: (done: () => void, fail: (error: Error) => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (act: () => void): void => {
      socket.off("error", fail);
      socket.off("close", closed);
      signal?.removeEventListener("abort", abort);
      act();
    };
    const fail = (error: Error): void =>
      finish(() => {
        socket.destroy();
        reject(error);
      });
    const closed = (): void => fail(connectError("ECONNRESET", "the connection was closed"));
    const abort = (): void => fail(connectError("ABORT_ERR", "aborted"));
    // Between two steps nobody else listens, and an error that nobody hears ends the program.
    socket.on("error", () => {});
    socket.on("error", fail);
    socket.on("close", closed);
    signal?.addEventListener("abort", abort);
    begin(() => finish(resolve), fail);
  });
}
