/**
 * Waits for what will be so in a moment.
 *
 * @module
 */

/**
 * Tries until there is something.
 *
 * @throws {Error} after five minutes without
 */
export async function eventually<T>(attempt: () => Promise<T | undefined>): Promise<T> {
  const end = performance.now() + 300_000;
  for (;;) {
    const found = await attempt();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error("It has not come to be so within five minutes");
  }
}
