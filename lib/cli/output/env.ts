/**
 * `-o env`: for `eval` in a shell.
 *
 * @module
 */

import type { Answer } from "./answer.ts";

/**
 * An `export` line for `ACCESS_TOKEN`, or for `ID_TOKEN`. A token consists of visible ASCII, and a quote in it is written
 * the way every shell reads.
 */
export function formatEnv({ token, isIdToken }: Answer): string {
  return `export ${isIdToken ? "ID_TOKEN" : "ACCESS_TOKEN"}='${token.replaceAll("'", `'\\''`)}'\n`;
}
