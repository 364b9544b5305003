/**
 * Where the agent of this person is when nobody says.
 *
 * @module
 */

import type { Host } from "../host/host.ts";

/** The path of its socket. */
export function defaultSocket({ directories }: Pick<Host, "directories">): string {
  return `${directories.runtime ?? `${directories.state}/run`}/agent.sock`;
}
