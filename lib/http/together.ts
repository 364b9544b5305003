/**
 * One request for all who want the same at the same moment.
 *
 * @module
 */

import type { Clock } from "../clock.ts";

/** How long those who wait for somebody else's request rely on it alone, in milliseconds. */
const PATIENCE = 5_000;

/**
 * Does `work` once for all who ask for the same while it is under way.
 *
 * In a Worker, what was begun for one visitor ends without a word when that visitor leaves, and whoever waits for it waits
 * for ever. So of those who have waited for a while, one begins anew; all take what comes first.
 *
 * @param underWay what is being done, by `key`
 */
export async function together<T>(
  underWay: Map<string, Promise<T>>,
  key: string,
  clock: Clock,
  work: () => Promise<T>,
): Promise<T> {
  const joined: Promise<T>[] = [];
  for (;;) {
    const other = underWay.get(key);
    if (!other || joined.includes(other)) {
      const mine: Promise<T> = work().finally(() => {
        if (underWay.get(key) === mine) underWay.delete(key);
      });
      underWay.set(key, mine);
      return await Promise.race([...joined, mine]);
    }
    joined.push(other);
    const found = await within(PATIENCE, clock, Promise.race(joined));
    if (found) return found.value;
  }
}

/** What a promise brings within a time, if it does. */
async function within<T>(
  milliseconds: number,
  clock: Clock,
  work: Promise<T>,
): Promise<{ readonly value: T } | undefined> {
  const end = new AbortController();
  try {
    return await Promise.race([
      work.then((value) => ({ value })),
      clock.sleep(milliseconds, end.signal).then(() => undefined),
    ]);
  } finally {
    end.abort();
  }
}
