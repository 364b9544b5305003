/**
 * Times for people.
 *
 * @module
 */

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]] as const;

/** `5400` as `1 hour 30 minutes`; the two largest units at most. */
export function duration(seconds: number): string {
  let left = Math.max(0, Math.round(seconds));
  const parts: string[] = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0) parts.push(`${count} ${unit}${count === 1 ? "" : "s"}`);
    if (parts.length > 0 && (parts.length === 2 || count === 0)) break;
  }
  return parts.join(" ") || "0 seconds";
}

/** The last second that RFC 3339 can write. */
const LAST = 253_402_300_799;

/** Epoch seconds as RFC 3339 in UTC. A server may name any number: one beyond the year 9999 is that year's end. */
export function timestamp(seconds: number): string {
  return new Date(Math.min(Math.max(seconds, 0), LAST) * 1000).toISOString().replace(/\.\d+Z$/, "Z");
}
