/**
 * What a torture came to, in words.
 *
 * @module
 */

import type { Tally } from "./scene.ts";

/** How many of the words about what went wrong are shown. */
const SHOWN = 10;
/** From how many seconds of grace on, no crash may cost a sign-in. */
const FORGIVING = 3;

/** Whether all is explained. */
export function isExplained({ revokedByUs, unexpected, forcedSignIns }: Tally, grace: number): boolean {
  if (revokedByUs.length > 0 || unexpected.length > 0 || forcedSignIns.has("unexplained")) return false;
  return grace < FORGIVING || forcedSignIns.size === 0;
}

/** The report, in lines. */
export function reportOf(tally: Tally): string[] {
  const { parts, kills, revokedByUs, forcedSignIns, unexpected, longestWait } = tally;
  const sum = (values: Iterable<number>) => [...values].reduce((all, one) => all + one, 0);
  const refreshes = sum([...parts.values()].map((part) => part.refreshes));
  const list = (counts: ReadonlyMap<string, number>) =>
    [...counts].sort().map(([name, count]) => `${name} ${count}`).join(", ");
  const causes = list(forcedSignIns);
  return [
    "takes part           processes  tokens  refreshes  kills",
    ...[...parts].map(([{ runtime, what }, part]) => {
      const numbers = [part.processes, part.tokens, part.refreshes, part.kills];
      const [first, ...rest] = numbers.map(String);
      return `  ${`${runtime} ${what}`.padEnd(18)}${first.padStart(10)}${rest[0].padStart(8)}` +
        `${rest[1].padStart(11)}${rest[2].padStart(7)}`;
    }),
    `killed at: ${list(kills)}`,
    `longest wait of a program: ${(longestWait / 1000).toFixed(1)} s`,
    `refreshes: ${refreshes}`,
    `kills: ${sum(kills.values())}`,
    `revoked by us: ${revokedByUs.length}`,
    `forced sign-ins: ${sum(forcedSignIns.values())}${causes && ` (${causes})`}`,
    `unexpected: ${unexpected.length}`,
    ...[...revokedByUs, ...unexpected].slice(0, SHOWN).map((words) => `  ${words}`),
  ];
}
