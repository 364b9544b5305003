/**
 * Carries out one step of the tests and says how it went.
 *
 * @module
 */

import type { Outcome } from "./run.ts";

/** Prints a line for the step, and under it what failed. A step that throws is one failure. */
export async function carryOut(name: string, run: () => Promise<Outcome>): Promise<Outcome> {
  const start = performance.now();
  const outcome = await run().catch((error: unknown): Outcome => ({
    passed: 0,
    failed: 1,
    output: error instanceof Error ? error.message : String(error),
  }));
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const { passed, failed, output } = outcome;
  const counts = passed + failed === 1 ? "" : `, ${passed} passed, ${failed} failed`;
  console.log(`${failed === 0 ? "ok    " : "FAILED"} ${name} (${seconds} s${counts})`);
  if (failed > 0 && output) console.log(output.replace(/^(?=.)/gm, "       "));
  return outcome;
}
