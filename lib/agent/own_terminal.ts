/**
 * The terminal in front of this process, by its path: an agent that cannot ask the kernel is told it.
 *
 * @module
 */

import { fstatSync, readlinkSync } from "node:fs";

/** Its path; nothing where there is none, or no `/proc` to look it up in. */
export function ownTerminal(): string | undefined {
  for (const descriptor of [2, 0]) {
    try {
      if (!fstatSync(descriptor).isCharacterDevice()) continue;
      const path = readlinkSync(`/proc/self/fd/${descriptor}`);
      if (/^\/dev\/(?:pts\/\d+|tty\w+)$/.test(path)) return path;
    } catch {
      // no such directory on this system: the agent then has nobody to ask
    }
  }
  return undefined;
}
