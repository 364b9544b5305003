/**
 * A proxy that writes down what it is asked, and leads every name to this machine.
 *
 * @module
 */

import { connect, createServer, type Server, type Socket } from "node:net";
import { createServer as createSecureServer } from "node:tls";

/** A proxy on 127.0.0.1. */
export interface ProxyServer {
  readonly port: number;
  /** The heads of all requests so far. */
  readonly requests: string[];
  close(): void;
}

/** How a proxy behaves. */
export interface ProxyOptions {
  /** Where every tunnel leads to, on 127.0.0.1. */
  readonly target: number;
  /** What it says to every request instead of letting it through; `""` for closing the connection. */
  readonly refusal?: string;
  /** Makes it a proxy that is spoken to over TLS. */
  readonly certificate?: { readonly key: string; readonly cert: string };
}

/** Starts a proxy: tunnels for `CONNECT`, and 200 with the request line as its body for anything else. */
export async function proxyServer(options: ProxyOptions): Promise<ProxyServer> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const serve = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => {});
    let head = "";
    const read = (chunk: Uint8Array): void => {
      head += new TextDecoder().decode(chunk);
      if (!head.includes("\r\n\r\n")) return;
      socket.off("data", read);
      requests.push(head);
      answer(socket, head, options, sockets);
    };
    socket.on("data", read);
  };
  const server: Server = options.certificate === undefined
    ? createServer(serve)
    : createSecureServer(options.certificate, serve);
  await new Promise<void>((resolve) => server.listen({ host: "127.0.0.1", port: 0 }, resolve));
  const { port } = server.address() as { port: number };
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port, requests, close };
}

function answer(socket: Socket, head: string, { target, refusal }: ProxyOptions, sockets: Set<Socket>): void {
  const line = head.split("\r\n")[0];
  if (refusal !== undefined) return void socket.end(refusal);
  if (!line.startsWith("CONNECT ")) {
    return void socket.end(
      `HTTP/1.1 200 OK\r\nContent-Length: ${line.length}\r\nConnection: close\r\n\r\n${line}`,
    );
  }
  const onward = connect({ host: "127.0.0.1", port: target }, () => {
    socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
    socket.pipe(onward).pipe(socket);
  });
  sockets.add(onward);
  onward.on("error", () => socket.destroy());
}
