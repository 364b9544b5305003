/**
 * `setImmediate` of `node:timers`, where there is none: a turn of the event loop.
 *
 * @module
 */

/** Calls `work` after everything that is ready to run. */
export function setImmediate(work: () => void): void {
  setTimeout(work, 0);
}
