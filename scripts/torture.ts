/**
 * Tortures the refresh protocol with real processes: `deno task torture [--seconds N] [--seed S] [--grace SECONDS]`.
 *
 * Commands and programs on Deno, Bun, Node and the compiled program share one sign-in and are killed at every step,
 * against a server that takes each refresh token once; with `--grace`, again for so many seconds. It needs Linux and
 * `strace`.
 *
 * Exit code 1 where something is not explained: `revoked by us` must be 0, and so must the forced sign-ins with a grace
 * of 3 seconds or more.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { isExplained, reportOf } from "../tests/torture/report.ts";
import { torture } from "../tests/torture/torture.ts";

function numberOf(text: string, least: number): number {
  const number = Number(text);
  if (text.trim() !== "" && number >= least && number < 2 ** 31) return number;
  throw new Error(`Cannot use "${text}": it is no number from ${least} on`);
}

try {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string", default: "60" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      grace: { type: "string", default: "0" },
    },
  });
  const options = {
    seconds: numberOf(values.seconds, 1),
    seed: numberOf(values.seed, 0),
    grace: numberOf(values.grace, 0),
  };
  const custom = options.grace > 0 ? `forgives for ${options.grace} s` : "is strict";
  console.log(`torture of ${options.seconds} s at a server that ${custom}, seed ${options.seed}`);
  const tally = await torture(options);
  for (const line of reportOf(tally)) console.log(line);
  process.exitCode = isExplained(tally, options.grace) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
