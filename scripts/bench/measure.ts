/**
 * Measuring on a machine that is not quiet: what is compared runs in the same round, in random order, and what is told
 * is a median; a ratio is the median of the ratios of the rounds. Runs on Deno, Bun and Node.
 *
 * @module
 */

/** What each subject took, by its name: one number for each round. */
export type Samples = Record<string, number[]>;

/** How to measure. */
export interface Rounds {
  /** How many rounds count. */
  readonly rounds: number;
  /** How many rounds come before, to warm up. Default: 1. */
  readonly warmUps?: number;
}

/** Runs each subject once a round, in another order each time. A subject returns its own measurement. */
export async function interleave(
  subjects: Readonly<Record<string, () => number | Promise<number>>>,
  { rounds, warmUps = 1 }: Rounds,
): Promise<Samples> {
  const samples: Samples = {};
  for (let round = -warmUps; round < rounds; round++) {
    for (const [name, measure] of shuffled(Object.entries(subjects))) {
      const value = await measure();
      if (round >= 0) (samples[name] ??= []).push(value);
    }
  }
  return samples;
}

/** The number in the middle; between the two in the middle of an even count. */
export function median(values: readonly number[]): number {
  if (values.length === 0) {
    throw new Error("Cannot take the median of no value");
  }
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** How many times as long as `base` a subject took: the median over the rounds. */
export function ratio(values: readonly number[], base: readonly number[]): number {
  return median(values.map((value, round) => value / base[round]));
}

/** How much longer than `base` a subject took: the median over the rounds. */
export function excess(values: readonly number[], base: readonly number[]): number {
  return median(values.map((value, round) => value - base[round]));
}

/** The same values in random order. */
export function shuffled<T>(values: readonly T[]): T[] {
  const order = [...values];
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}
