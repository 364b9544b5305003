/**
 * Servers on 127.0.0.1 without TLS, one that speaks HTTP and one that sends what it likes.
 *
 * @module
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createRawServer, type Server, type Socket } from "node:net";

const open = new Set<() => void>();

/** Closes all that were started. */
export function closeServers(): void {
  for (const close of open) close();
  open.clear();
}

/** Serves HTTP; gives the origin, and how many connections there were. */
export async function serve(
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ readonly origin: string; readonly seen: { connections: number } }> {
  const server = createServer(listener);
  const seen = { connections: 0 };
  server.on("connection", () => seen.connections++);
  const origin = await originOf(server);
  open.add(() => {
    server.close();
    server.closeAllConnections();
  });
  return { origin, seen };
}

/** Lets `answer` have each connection as soon as something has come. */
export async function serveRaw(answer: (socket: Socket) => void): Promise<{ readonly origin: string }> {
  const sockets = new Set<Socket>();
  const server = createRawServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("data", () => answer(socket));
  });
  const origin = await originOf(server);
  open.add(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { origin };
}

async function originOf(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen({ host: "127.0.0.1", port: 0 }, resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
