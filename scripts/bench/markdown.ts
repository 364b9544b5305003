/**
 * `docs/benchmarks.md`: the tables of a run, for people who do not want to run it.
 *
 * @module
 */

import { asMarkdown, type Table, US } from "./table.ts";

/** The document. */
export function markdown(tables: readonly Table[], machine: string): string {
  return [
    "# Benchmarks",
    "",
    "Measured by `deno task bench`. Do not edit: the next run writes this file anew.",
    "",
    "To run it again: `deno task bench`, or `deno task bench size import` for some of the tables. It installs the " +
    "peers into `scripts/bench/node_modules` and takes some minutes. `dist/bench.json` then has the same figures as " +
    "a list of `{table, row, who, value, unit}`.",
    "",
    "What is compared runs in the same round, in random order. Times are medians; a ratio is the median of the " +
    `ratios of the rounds, so that a slow minute of the machine touches both. A ratio to \`${US}\` above 1 means ` +
    `that \`${US}\` is ahead.`,
    "",
    ...tables.map((table) => asMarkdown(table, machine)),
  ].join("\n");
}
