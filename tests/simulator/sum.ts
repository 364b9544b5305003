/** What many simulations came to. */

import { type Report, simulate } from "./simulation.ts";

/** A run of seeds. */
export interface Seeds {
  readonly from: number;
  readonly count: number;
  /** What the processes stand on. Default: the files of a workstation. */
  readonly on?: "files" | "store";
}

/** The sum of some simulations; with the seed and the words of the first that broke an invariant. */
export interface Sum extends Report {
  /** How many were run. */
  readonly runs: number;
}

/** Runs seeds, one after the other, up to the first that breaks an invariant. */
export async function simulateAll({ from, count, on }: Seeds): Promise<Sum> {
  // nobody reads where an expected error came from, and to find that out is most of its price
  Error.stackTraceLimit = 0;
  let sum: Sum | undefined;
  for (let seed = from; seed < from + count && !sum?.violation; seed++) {
    sum = added(sum, { ...await simulate(seed, { on }), runs: 1 });
  }
  return sum!;
}

/** Both together; of two violations, that of the lower seed. */
export function added(sum: Sum | undefined, more: Sum): Sum {
  if (!sum) return more;
  const [first, second] = sum.seed < more.seed ? [sum, more] : [more, sum];
  const { seed, violation } = first.violation || !second.violation ? first : second;
  const revoked = Object.fromEntries(
    Object.entries(sum.revoked).map((
      [cause, count],
    ) => [cause, count + more.revoked[cause as keyof Sum["revoked"]]]),
  ) as Sum["revoked"];
  const counts = Object.entries(sum).filter(([, value]) => typeof value === "number")
    .map(([name, count]) => [name, count + (more as unknown as Record<string, number>)[name]]);
  return { ...sum, ...Object.fromEntries(counts), revoked, seed, violation };
}
