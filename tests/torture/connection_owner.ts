/**
 * Whose a connection on loopback is, by what Linux tells in `/proc`.
 *
 * @module
 */

import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Which of `pids` has the end of a connection that is `port` of 127.0.0.1; nothing when none of them is alive any more. */
export function ownerOf(port: number, pids: Iterable<number>): number | undefined {
  const socket = socketAt(port);
  if (socket === undefined) return undefined;
  for (const pid of pids) if (hasOpen(pid, socket)) return pid;
  return undefined;
}

/** What the file descriptors of that end are called. */
function socketAt(port: number): string | undefined {
  const address = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  for (const line of readFileSync("/proc/net/tcp", "utf8").split("\n")) {
    const [, local, , , , , , , , inode] = line.trim().split(/\s+/);
    if (local === address && inode !== "0") return `socket:[${inode}]`;
  }
  return undefined;
}

function hasOpen(pid: number, socket: string): boolean {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).some((name) => {
      try {
        return readlinkSync(`${folder}/${name}`) === socket;
      } catch {
        return false; // closed between the listing and the look
      }
    });
  } catch {
    return false; // it has ended
  }
}
