/**
 * `-o header`: the line that goes into an HTTP request (RFC 6750 section 2.1).
 *
 * @module
 */

import type { Answer } from "./answer.ts";

/** The `Authorization` header, for `curl -H @file` and its like. */
export function formatHeader({ token, tokenType }: Answer): string {
  return `Authorization: ${tokenType} ${token}\n`;
}
