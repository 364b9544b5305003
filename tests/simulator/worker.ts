/** Simulates in a thread of its own: takes runs of seeds, and answers each with its sum. */

import { type Seeds, simulateAll } from "./sum.ts";

const thread = globalThis as unknown as {
  onmessage: (event: { data: Seeds }) => void;
  postMessage(message: unknown): void;
};

thread.onmessage = async ({ data }) => {
  try {
    thread.postMessage({ sum: await simulateAll(data) });
  } catch (error) {
    thread.postMessage({ fault: `seeds from ${data.from}: ${(error as Error).message}` });
  }
};
