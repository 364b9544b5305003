/**
 * Ports for programs that have to be told one.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { createServer } from "node:net";

/**
 * A port on which nobody listens, neither on 127.0.0.1 nor on ::1. It is none of those that the system gives to sockets
 * that do not ask for one: nobody comes to it by chance before it is used.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * (firstGivenOut() - LOWEST));
    if (await isFree(port, "127.0.0.1") && await isFree(port, "::1")) return port;
  }
}

/** Above the ones that `fetch` refuses to talk to (https://fetch.spec.whatwg.org/#port-blocking). */
const LOWEST = 10_081;

/** Linux says so; the rest of the world begins at 49152 (RFC 6335 section 6). */
function firstGivenOut(): number {
  try {
    const [first] = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8").split(/\s/);
    // where it leaves nothing, any will do
    return Number(first) > LOWEST ? Number(first) : 60_000;
  } catch {
    return 49_152;
  }
}

function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    // a machine without IPv6 has nobody there either
    server.on("error", ({ code }: Error & { code?: string }) => resolve(code !== "EADDRINUSE"));
    server.listen({ port, host }, () => server.close(() => resolve(true)));
  });
}
