/**
 * Listeners for the tests, and raw connections to them.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import { type CallbackListener, listen, type ListenOptions } from "../../lib/host/loopback_listener.ts";
import { type FakeClock, fakeClock } from "../fake_clock.ts";

const open = new Set<CallbackListener>();

/** What {@linkcode start} accepts. */
export function accept(parameters: URLSearchParams): boolean {
  return parameters.get("state") === "right";
}

/** Starts a listener, by default with a clock that stands still. */
export async function start(
  options: Partial<ListenOptions> = {},
  clock: FakeClock = fakeClock(),
): Promise<CallbackListener> {
  const listener = await listen({ accept, ...options }, clock);
  open.add(listener);
  return listener;
}

/** Closes all that were started. */
export async function closeAll(): Promise<void> {
  for (const listener of open) await listener.close();
  open.clear();
}

/** A raw connection, with everything that it received so far. */
export interface Wire {
  readonly socket: Socket;
  readonly ended: Promise<string>;
}

/** Connects to where a listener is, or to another address with its port. */
export function wire(listener: { readonly redirectUri: string }, host?: string): Promise<Wire> {
  const url = new URL(listener.redirectUri);
  const address = host ?? url.hostname.replace("localhost", "127.0.0.1").replace(/[[\]]/g, "");
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port: Number(url.port) });
    let received = "";
    socket.on("data", (chunk) => received += new TextDecoder().decode(chunk as Uint8Array));
    const ended = new Promise<string>((end) => socket.on("close", () => end(received)));
    socket.on("error", reject);
    socket.on("connect", () => resolve({ socket, ended }));
  });
}

/** Sends bytes over a connection of their own, and gives all that comes back. */
export async function send(
  listener: { readonly redirectUri: string },
  text: string,
  host?: string,
): Promise<string> {
  const { socket, ended } = await wire(listener, host);
  socket.write(text);
  return await ended;
}

/** The bytes of a GET. */
export function request(
  listener: { readonly redirectUri: string },
  target: string,
  ...headers: string[]
): string {
  const host = new URL(listener.redirectUri).host;
  return [`GET ${target} HTTP/1.1`, `Host: ${host}`, ...headers, "", ""].join("\r\n");
}

/** The status of what came back. */
export function status(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]);
}

/** What a browser sends at the end of a redirect. */
export const BROWSER = [
  "User-Agent: Mozilla/5.0",
  "Accept: text/html",
  "Sec-Fetch-Site: cross-site",
  "Sec-Fetch-Mode: navigate",
  "Sec-Fetch-Dest: document",
  "Cookie: session=of-another-program",
];
/** The answer that {@linkcode start} waits for. */
export const GOOD = "/callback?code=abc&state=right&iss=https%3A%2F%2Fissuer.example";

/** Whether nobody listens there. */
export function refusesConnection(
  listener: { readonly redirectUri: string },
  host?: string,
): Promise<boolean> {
  return wire(listener, host).then(({ socket }) => {
    socket.destroy();
    return false;
  }, () => true);
}
