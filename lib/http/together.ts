/**
 * One request for all who want the same at the same moment.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { OVER } from "./abort.ts";

/** How long those who wait for somebody else's request rely on it alone, in milliseconds. */
const PATIENCE = 5_000;

/** Something that is being done for all who want it. */
export interface Shared<T> {
  readonly promise: Promise<T>;
  /** Whether it has come to its end, good or bad. */
  ended: boolean;
}

/**
 * Does `work` once for all who ask for the same while it is under way.
 *
 * In a Worker, what was begun for one visitor ends with that visitor: whoever else waits for it waits for ever, or is told
 * so by an error of the runtime, as the compatibility date has it. So of those who have waited for a while, or who were
 * told, one begins anew; all take what comes first.
 *
 * @param underWay what is being done, by `key`
 */
export async function together<T>(
  underWay: Map<string, Shared<T>>,
  key: string,
  clock: Clock,
  work: () => Promise<T>,
): Promise<T> {
  const joined: Promise<T>[] = [];
  let last: Shared<T> | undefined;
  for (;;) {
    const other = underWay.get(key);
    if (!other || other === last) return await Promise.race([...joined, begin(underWay, key, work)]);
    last = other;
    const end = new AbortController();
    const lost = new Promise<void>((resolve) => {
      joined.push(other.promise.catch((error) => {
        if (other.ended) throw error;
        resolve();
        return never();
      }));
    });
    try {
      const found = await Promise.race([
        ...joined.map((promise) => promise.then((value) => ({ value }))),
        lost,
        clock.sleep(PATIENCE, end.signal),
      ]);
      if (found) return found.value;
    } finally {
      end.abort(OVER);
    }
  }
}

function begin<T>(underWay: Map<string, Shared<T>>, key: string, work: () => Promise<T>): Promise<T> {
  const mine: Shared<T> = {
    ended: false,
    promise: work().finally(() => {
      mine.ended = true;
      if (underWay.get(key) === mine) underWay.delete(key);
    }),
  };
  underWay.set(key, mine);
  return mine.promise;
}

function never<T>(): Promise<T> {
  return new Promise(() => {});
}
