/**
 * Who is at the other end of a unix socket: the kernel knows (`SO_PEERCRED`), and Bun and Deno can ask it. Node cannot;
 * there the socket's directory alone keeps others out, and questions go only to a terminal that the client names.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import process from "node:process";

/** A process at the other end. */
export interface Peer {
  readonly pid: number;
  readonly uid: number;
}

/** Fills `out` with the credentials of a socket; gives 0 when that worked. */
type PeerCredentials = (descriptor: number, out: Int32Array, length: Int32Array) => number;

/** The values of Linux; other systems have other ones. */
const [SOL_SOCKET, SO_PEERCRED] = [1, 17];

let credentials: PeerCredentials | undefined;

/** Loads what asks the kernel. Whether this runtime can. */
export function loadPeerCredentials(): boolean {
  credentials ??= process.platform === "linux" ? library() : undefined;
  return credentials !== undefined;
}

function library(): PeerCredentials | undefined {
  try {
    return "Bun" in globalThis ? ofBun() : "Deno" in globalThis ? ofDeno() : undefined;
  } catch {
    // another C library, or no permission
    return undefined;
  }
}

interface Deno {
  dlopen(path: string, symbols: unknown): { symbols: { getsockopt: (...values: unknown[]) => number } };
}

function ofDeno(): PeerCredentials {
  const { dlopen } = (globalThis as unknown as { Deno: Deno }).Deno;
  const parameters = ["i32", "i32", "i32", "buffer", "buffer"];
  const { symbols } = dlopen(LIBC, { getsockopt: { parameters, result: "i32" } });
  return (descriptor, out, length) => symbols.getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, out, length);
}

interface BunForeign {
  dlopen(path: string, symbols: unknown): { symbols: { getsockopt: (...values: unknown[]) => number } };
  ptr(bytes: Int32Array): unknown;
}

function ofBun(): PeerCredentials {
  const { dlopen, ptr } = process.getBuiltinModule("bun:ffi") as unknown as BunForeign;
  const args = ["i32", "i32", "i32", "ptr", "ptr"];
  const { symbols } = dlopen(LIBC, { getsockopt: { args, returns: "i32" } });
  return (descriptor, out, length) =>
    symbols.getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, ptr(out), ptr(length));
}

const LIBC = "libc.so.6";

/** The process that connected; nothing where the runtime cannot tell. */
export function peerOf(socket: Socket): Peer | undefined {
  const descriptor = (socket as unknown as { _handle?: { fd?: unknown } })._handle?.fd;
  if (!credentials || typeof descriptor !== "number" || descriptor < 0) return undefined;
  const out = new Int32Array(3);
  if (credentials(descriptor, out, new Int32Array([12])) !== 0) return undefined;
  const [pid, uid] = out;
  return pid > 0 ? { pid, uid } : undefined;
}

/**
 * The terminal that a process has in front of it; nothing when it has none, or works in the background of one.
 */
export function terminalOf(pid: number): string | undefined {
  try {
    // after the name, which may hold anything: state, parent, group, session, terminal, the terminal's group
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
    const [, , group, , device, foreground] = fields.map(Number);
    if (device === 0 || group !== foreground) return undefined;
    return terminalPath(device);
  } catch {
    return undefined;
  }
}

/** The path of a terminal by its device number (`proc(5)`, `tty_nr`). */
function terminalPath(device: number): string | undefined {
  const major = (device >> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  // the pseudo-terminals have majors 136 to 143
  if (major >= 136 && major <= 143) return `/dev/pts/${(major - 136) * 256 + minor}`;
  return major === 4 && minor < 64 ? `/dev/tty${minor}` : undefined;
}
