/**
 * A server that breaks every rule on demand. It speaks in bytes, on raw sockets, and keeps what it is sent. Under Deno,
 * Bun and Node.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import net from "node:net";
import tls from "node:tls";

/** Bytes as they go over the wire; a string stands for one byte a character. */
export type Bytes = string | Uint8Array;

/** A request as it came. */
export interface HostileRequest {
  readonly method: string;
  /** The request target, with its query. */
  readonly target: string;
  /** The request line and the headers, without the empty line. */
  readonly head: string;
  readonly body: string;
}

/** One connection, from the moment at which a request has come in whole. */
export interface HostileConnection {
  readonly request: HostileRequest;
  /** Sends bytes as they are. Resolves when they are on their way, or when nobody is there to take them. */
  send(bytes: Bytes): Promise<void>;
  /** Waits in real time, or until the other side has gone. */
  pause(milliseconds: number): Promise<void>;
  /** Closes it properly. */
  end(): void;
  /** Breaks it off, with a TCP reset where the system does so. */
  reset(): void;
  /** Whether it is over. */
  gone(): boolean;
  /** Resolves when it is over. */
  readonly closed: Promise<void>;
}

/** What to do with a request. A connection that is still open afterwards waits for the next one. */
export type Script = (connection: HostileConnection) => void | Promise<void>;

export interface HostileServerOptions {
  /** A script for each path (without query); any other path is answered with 404. */
  readonly routes?: Readonly<Record<string, Script>>;
  /** Speaks TLS with this certificate, in PEM. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Runs as soon as the first bytes of a connection are there, whatever they are: no request is read. */
  readonly uncouth?: Script;
}

export interface HostileServer {
  /** Such as `http://127.0.0.1:40123`. */
  readonly origin: string;
  readonly port: number;
  /** Every whole request, in the order of arrival. */
  readonly requests: readonly HostileRequest[];
  /** How many connections were made, and how many bytes came in on them: after decryption, whole requests or not. */
  readonly received: { readonly connections: number; readonly bytes: number };
  /** The first request for a path, as soon as it is there. */
  arrival(path: string): Promise<HostileRequest>;
  /** Drops all connections and the port. */
  close(): Promise<void>;
}

/**
 * An origin at which nobody listens. A port that was in use just now may be somebody else's in a moment; this one is
 * not given to whoever asks for any port.
 */
export const NOWHERE = "http://127.0.0.1:2";

/** Starts a server on a free port of 127.0.0.1. */
export async function startHostileServer(options: HostileServerOptions = {}): Promise<HostileServer> {
  const { routes = {}, uncouth } = options;
  const requests: HostileRequest[] = [];
  const received = { connections: 0, bytes: 0 };
  const sockets = new Set<net.Socket>();
  const waiting = new Set<() => void>();

  function record(request: HostileRequest): void {
    requests.push(request);
    for (const look of waiting) look();
  }

  function accept(socket: net.Socket): void {
    received.connections++;
    sockets.add(socket);
    const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
    closed.then(() => sockets.delete(socket));
    // A broken connection is what is wanted here.
    socket.on("error", () => {});
    let pending = Buffer.alloc(0);
    let busy = false;
    const serve = async () => {
      if (busy) return;
      busy = true;
      for (
        let taken = take(pending, uncouth !== undefined);
        taken;
        taken = take(pending, uncouth !== undefined)
      ) {
        pending = pending.subarray(taken.length);
        if (!uncouth) record(taken.request);
        const script = uncouth ?? routes[taken.request.target.split("?")[0]] ?? notFound;
        await script(connectionOf(socket, closed, taken.request));
      }
      busy = false;
    };
    socket.on("data", (chunk: Buffer) => {
      received.bytes += chunk.length;
      pending = Buffer.concat([pending, chunk]);
      serve();
    });
  }

  const server = options.tls ? tls.createServer(options.tls, accept) : net.createServer(accept);
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve());
  });
  const { port } = server.address() as net.AddressInfo;
  return {
    origin: `${options.tls ? "https" : "http"}://127.0.0.1:${port}`,
    port,
    requests,
    received,
    arrival: (path) =>
      new Promise((resolve) => {
        const look = () => {
          const found = requests.find(({ target }) => target.split("?")[0] === path);
          if (!found) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function connectionOf(socket: net.Socket, closed: Promise<void>, request: HostileRequest): HostileConnection {
  return {
    request,
    send: (bytes) =>
      new Promise((resolve) => {
        if (socket.destroyed || socket.writableEnded) return resolve();
        closed.then(resolve);
        socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes, () => resolve());
      }),
    pause: (milliseconds) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        closed.then(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
    end: () => void socket.end(),
    reset: () => void socket.resetAndDestroy(),
    gone: () => socket.destroyed,
    closed,
  };
}

/** The first whole request of what has come; with `uncouth`, whatever is there. */
function take(pending: Buffer, uncouth: boolean): { request: HostileRequest; length: number } | undefined {
  const text = pending.toString("latin1");
  if (uncouth) {
    if (text === "") return undefined;
    return { request: { method: "", target: "", head: text, body: "" }, length: pending.length };
  }
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const head = text.slice(0, end);
  const start = end + 4;
  const length = bodyLength(head, text.slice(start));
  if (length === undefined || start + length > pending.length) return undefined;
  const [method, target] = head.split(" ");
  return {
    request: { method, target, head, body: text.slice(start, start + length) },
    length: start + length,
  };
}

/** How long the body is on the wire; `undefined` while that cannot be told. */
function bodyLength(head: string, rest: string): number | undefined {
  if (/^transfer-encoding: *chunked/im.test(head)) {
    const end = rest.indexOf("0\r\n\r\n");
    return end < 0 ? undefined : end + 5;
  }
  return Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
}

async function notFound(connection: HostileConnection): Promise<void> {
  await connection.send("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
  connection.end();
}
