/**
 * Which hosts are this machine itself.
 *
 * @module
 */

/**
 * Whether `hostname`, as `URL.hostname` spells it, can only be this machine: `localhost` and names below it
 * (RFC 6761 section 6.3), 127.0.0.0/8, `::1`.
 */
export function isLoopback(hostname: string): boolean {
  return /^(?:.+\.)?localhost\.?$/.test(hostname) || /^127(?:\.\d{1,3}){3}$/.test(hostname) ||
    hostname === "[::1]" || hostname === "::1";
}
