/**
 * `-o env`: for `eval` in a shell.
 *
 * @module
 */

import type { Answer } from "./answer.ts";

/** An `export` line; a token consists of visible ASCII, and a quote in it is written the way every shell reads. */
export function formatEnv({ token }: Answer): string {
  return `export ACCESS_TOKEN='${token.replaceAll("'", `'\\''`)}'\n`;
}
