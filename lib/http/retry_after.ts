/**
 * How long a server asks to be left alone.
 *
 * @module
 */

/** Nobody waits longer than ten minutes because a server said so. */
const LONGEST_WAIT = 600;
// What a server must send (RFC 9110 section 5.6.7). `Date.parse` alone would take almost anything.
const HTTP_DATE = /^\w{3}, [\w :]{20} GMT$/;

/**
 * Reads `Retry-After` (RFC 9110 section 10.2.3), given in seconds or as a date.
 *
 * @param headers the headers of an answer
 * @param now the wall clock, in milliseconds since the epoch
 * @returns seconds, at most 600; `undefined` when there is no such header or it makes no sense
 */
export function retryAfterSeconds(headers: Headers, now: number): number | undefined {
  const value = headers.get("retry-after") ?? "";
  const seconds = /^\d+$/.test(value)
    ? Number(value)
    : HTTP_DATE.test(value)
    ? Math.ceil((Date.parse(value) - now) / 1000)
    : -1;
  return seconds >= 0 ? Math.min(seconds, LONGEST_WAIT) : undefined;
}
