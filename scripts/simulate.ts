/**
 * Runs the simulator of the refresh protocol: `deno task simulate [--seeds N] [--from S]`, or `--seed S` to replay one
 * seed with all that happens in it.
 *
 * Exit code 1, with the seed, where an invariant is broken.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { type Report, simulate } from "../tests/simulator/simulation.ts";

/** Runs the seeds `from` to `from + seeds - 1`, up to the first that breaks an invariant. */
async function many(from: number, seeds: number): Promise<number> {
  // nobody reads where an expected error came from, and to find that out is most of its price
  Error.stackTraceLimit = 0;
  const start = performance.now();
  let sum: Report | undefined;
  let runs = 0;
  for (let seed = from; seed < from + seeds && !sum?.violation; seed++) {
    const report = await simulate(seed);
    sum = sum ? added(sum, report) : report;
    runs++;
  }
  if (!sum) throw new Error("Cannot simulate nothing: --seeds must be 1 or more");
  const seconds = (performance.now() - start) / 1000;
  const { revoked } = sum;
  const explained = Object.values(revoked).reduce((all, one) => all + one, 0);
  const causes = Object.entries(revoked).map(([cause, count]) => `${cause} ${count}`).join(", ");
  const unexplained = sum.violation?.startsWith("I7") ? 1 : 0;
  console.log(`seeds              ${from} to ${from + runs - 1} (${seconds.toFixed(1)} s)`);
  console.log(`steps              ${sum.steps}`);
  console.log(`tokens handed out  ${sum.gets}, ${sum.served} of them because no new one was to be had`);
  console.log(`failures           ${sum.failed}`);
  console.log(`crashes            ${sum.deaths}, in ${sum.powerCuts} power cuts and alone`);
  console.log(`requests           ${sum.requests}, ${sum.repeated} of them repeated after a lost answer`);
  console.log(`refreshes          ${sum.refreshes}`);
  console.log(`sign-ins           ${sum.signIns}`);
  console.log(`revoked families   ${explained} explained (${causes}), ${unexplained} unexplained`);
  if (!sum.violation) return 0;
  console.log(`\nSeed ${sum.seed} breaks ${sum.violation}`);
  console.log(`Replay it with: deno task simulate --seed ${sum.seed}`);
  return 1;
}

/** Runs one seed and shows all of it. */
async function one(seed: number): Promise<number> {
  const { violation } = await simulate(seed, { trace: (line) => console.log(line) });
  console.log(violation ? `\nSeed ${seed} breaks ${violation}` : `\nSeed ${seed} breaks nothing`);
  return violation ? 1 : 0;
}

function added(sum: Report, report: Report): Report {
  const revoked = { ...sum.revoked };
  for (const cause of Object.keys(revoked) as (keyof Report["revoked"])[]) {
    revoked[cause] += report.revoked[cause];
  }
  const total = { ...report, revoked };
  for (const [name, count] of Object.entries(sum)) {
    if (name === "seed" || typeof count !== "number") continue;
    (total as unknown as Record<string, number>)[name] += count;
  }
  return total;
}

function whole(text: string | undefined, standard: number): number {
  const number = Number(text ?? standard);
  if (!Number.isSafeInteger(number) || number < 0) {
    throw new Error(`Cannot use "${text}": it is no whole number`);
  }
  return number;
}

try {
  const { values } = parseArgs({
    options: { seeds: { type: "string" }, from: { type: "string" }, seed: { type: "string" } },
  });
  process.exitCode = values.seed === undefined
    ? await many(whole(values.from, 1), whole(values.seeds, 10_000))
    : await one(whole(values.seed, 0));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
