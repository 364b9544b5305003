/**
 * Runs the simulator of the refresh protocol: `deno task simulate [--seeds N] [--from S]`, or `--seed S` to replay one
 * seed with all that happens in it. `--on store` runs it on a store that several machines share, with leases.
 *
 * Many seeds run on all cores. Exit code 1, with the seed, where an invariant is broken.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { simulateInParallel } from "../tests/simulator/parallel.ts";
import { simulate, type SimulationOptions } from "../tests/simulator/simulation.ts";
import type { Sum } from "../tests/simulator/sum.ts";

type On = SimulationOptions["on"];

/** Runs the seeds `from` to `from + count - 1`, up to the first that breaks an invariant. */
async function many(from: number, count: number, on: On): Promise<number> {
  if (count === 0) throw new Error("Cannot simulate nothing: --seeds must be 1 or more");
  const start = performance.now();
  const sum = await simulateInParallel({ from, count, on });
  console.log(
    `seeds              ${from} on, ${sum.runs} (${((performance.now() - start) / 1000).toFixed(1)} s)`,
  );
  for (const line of linesOf(sum)) console.log(line);
  if (!sum.violation) return 0;
  console.log(`\nSeed ${sum.seed} breaks ${sum.violation}`);
  console.log(`Replay it with: deno task simulate${on === "store" ? " --on store" : ""} --seed ${sum.seed}`);
  return 1;
}

function linesOf(sum: Sum): string[] {
  const { revoked } = sum;
  const explained = Object.values(revoked).reduce((all, one) => all + one, 0);
  const causes = Object.entries(revoked).map(([cause, count]) => `${cause} ${count}`).join(", ");
  const unexplained = sum.violation?.startsWith("I7") ? 1 : 0;
  return [
    `steps              ${sum.steps}`,
    `tokens handed out  ${sum.gets}, ${sum.served} of them because no new one was to be had`,
    `failures           ${sum.failed}`,
    `crashes            ${sum.deaths}, in ${sum.powerCuts} power cuts and alone`,
    `requests           ${sum.requests}, ${sum.repeated} of them repeated after a lost answer`,
    `refreshes          ${sum.refreshes}`,
    `sign-ins           ${sum.signIns}`,
    `revoked families   ${explained} explained (${causes}), ${unexplained} unexplained`,
  ];
}

/** Runs one seed and shows all of it. */
async function one(seed: number, on: On): Promise<number> {
  const { violation } = await simulate(seed, { on, trace: (line) => console.log(line) });
  console.log(violation ? `\nSeed ${seed} breaks ${violation}` : `\nSeed ${seed} breaks nothing`);
  return violation ? 1 : 0;
}

function whole(text: string | undefined, standard: number): number {
  const number = Number(text ?? standard);
  if (!Number.isSafeInteger(number) || number < 0) {
    throw new Error(`Cannot use "${text}": it is no whole number`);
  }
  return number;
}

function ground(text = "files"): On {
  if (text === "files" || text === "store") return text;
  throw new Error(`Cannot simulate on "${text}": --on is files or store`);
}

try {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string" },
      from: { type: "string" },
      seed: { type: "string" },
      on: { type: "string" },
    },
  });
  process.exitCode = values.seed === undefined
    ? await many(whole(values.from, 1), whole(values.seeds, 10_000), ground(values.on))
    : await one(whole(values.seed, 0), ground(values.on));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
