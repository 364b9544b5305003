/**
 * A word to the person while a server takes its time.
 *
 * @module
 */

import type { Host } from "../host/host.ts";

/** How long silence is no reason to worry, in milliseconds. */
const SILENCE = 3000;

/**
 * Does `work`; while it takes long, says on a terminal whom it waits for, so that nobody takes the silence for a hang.
 *
 * @param url whom it waits for; only the host is shown
 */
export async function withPatience<T>(host: Host, url: string, work: () => Promise<T>): Promise<T> {
  if (!host.isErrorTerminal || !URL.canParse(url)) return await work();
  const over = new AbortController();
  const name = new URL(url).host;
  host.clock.sleep(SILENCE, over.signal).then(
    () => host.say(`Waiting for an answer from ${name} …`),
    () => {},
  );
  try {
    return await work();
  } finally {
    over.abort();
  }
}
