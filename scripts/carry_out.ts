/**
 * Carries out the steps of the tests and says how they went.
 *
 * @module
 */

import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { endAll, type Outcome } from "./run.ts";

/** Something that is run and counts. */
export interface Step {
  readonly name: string;
  run(): Promise<Outcome>;
}

/**
 * Carries out all steps and prints `N passed, N failed` as the last line.
 *
 * @param stepsIn the steps, given a folder of their own, which is removed whatever happens
 * @returns the exit code
 */
export async function carryOutAll(
  name: string,
  stepsIn: (scratch: string) => Promise<readonly Step[]>,
): Promise<number> {
  const scratch = await mkdtemp(join(tmpdir(), `apex-token-${name}-`));
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      endAll();
      rmSync(scratch, { recursive: true, force: true });
      process.exit(130);
    });
  }
  let passed = 0;
  let failed = 0;
  try {
    for (const step of await stepsIn(scratch)) {
      const outcome = await carryOut(step.name, () => step.run());
      passed += outcome.passed;
      failed += outcome.failed;
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

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
