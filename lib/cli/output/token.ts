/**
 * `-o token`: the token itself, and a line feed.
 *
 * @module
 */

import type { Answer } from "./answer.ts";

/** The token alone. */
export function formatToken({ token }: Answer): string {
  return token + "\n";
}
