/**
 * Where the agent of this person is when nobody says, and where it gives keys.
 *
 * @module
 */

import type { Directories } from "../host/directories.ts";

/** The path of its socket. */
export function defaultSocket(
  { directories }: { directories: Pick<Directories, "runtime" | "state"> },
): string {
  return `${directories.runtime ?? `${directories.state}/run`}/agent.sock`;
}

/** The socket for keys, beside that of an agent. */
export function keysSocket(socket: string): string {
  return `${socket}.keys`;
}
