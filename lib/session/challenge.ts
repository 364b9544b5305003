/**
 * The challenges of an API (RFC 9110 section 11.6.1).
 *
 * @module
 */

/** The longest header that is read, in characters. */
const LIMIT = 16 * 1024;

/** The `error` of the first challenge of one of these schemes (RFC 6750 section 3, RFC 9449 section 7.1). */
export function challengeError(header: string, schemes: readonly string[]): string | undefined {
  let scheme = "";
  const parts = /([\w-]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^\s",]+))|([\w-]+)(?=\s|$)/g;
  for (const [, name, quoted, plain, word] of header.slice(0, LIMIT).matchAll(parts)) {
    if (word) scheme = word.toLowerCase();
    else if (name.toLowerCase() === "error" && schemes.includes(scheme)) return quoted ?? plain;
  }
  return undefined;
}
