/** Simulates on all cores. */

import { availableParallelism } from "node:os";
import { added, type Seeds, type Sum } from "./sum.ts";

/** How many seeds a thread takes at a time. */
const BLOCK = 100;

/**
 * Runs seeds on all cores. Where one breaks an invariant, it is the lowest of all.
 *
 * @param threads default: as many as there are cores
 */
export async function simulateInParallel(
  { from, count, on }: Seeds,
  threads: number = availableParallelism(),
): Promise<Sum> {
  let next = from;
  let sum: Sum | undefined;
  let broken = false;

  async function work(): Promise<void> {
    const thread = startThread();
    try {
      // what was begun before the first violation may hold a lower one, and is brought to its end
      while (next < from + count && !broken) {
        const block = { from: next, count: Math.min(BLOCK, from + count - next), on };
        next += block.count;
        const more = await thread.run(block);
        sum = added(sum, more);
        broken ||= sum.violation !== undefined;
      }
    } finally {
      thread.end();
    }
  }

  await Promise.all(Array.from({ length: threads }, work));
  return sum!;
}

function startThread(): { run(seeds: Seeds): Promise<Sum>; end(): void } {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  return {
    run: (seeds) =>
      new Promise((resolve, reject) => {
        worker.onmessage = ({ data }: MessageEvent<{ sum?: Sum; fault?: string }>) =>
          data.sum ? resolve(data.sum) : reject(new Error(data.fault));
        worker.onerror = (event) => reject(new Error(event.message));
        worker.postMessage(seeds);
      }),
    end: () => worker.terminate(),
  };
}
