/**
 * What a renewal writes down beside the session: that it is about to present a refresh token, and the answer until that
 * is committed. Whoever finds such a record under the lock knows that its author died. It lives in a store that
 * encrypts.
 *
 * A line of JSON, then the raw answer if there is one.
 *
 * @module
 */

import { type ErrorCode, TokenError } from "../errors.ts";

/** The record. */
export interface Attempt {
  /** The sign-in that it belongs to: a record of another one means nothing. */
  readonly signedInAt?: number;
  /** The {@linkcode fingerprint} of the refresh token; absent when nothing is announced. */
  readonly token?: string;
  /** When it was announced, in epoch seconds. */
  readonly at?: number;
  /** Who did so, in words. */
  readonly by?: string;
  /** The server's wish not to be asked. */
  readonly later?: Later;
  /** The answer. */
  readonly raw?: Uint8Array;
}

/** The server's wish not to be asked before a time, with its words. */
export interface Later {
  /** In epoch seconds. */
  readonly until: number;
  readonly code: ErrorCode;
  readonly message: string;
  readonly serverError?: string;
  readonly serverDescription?: string;
  readonly status?: number;
}

/** The longest wish that is obeyed, in seconds. */
const LONGEST_WISH = 600;

/** The record as bytes. */
export function encodeAttempt({ raw = new Uint8Array(), ...attempt }: Attempt): Uint8Array {
  const line = new TextEncoder().encode(
    JSON.stringify({ format: 1, ...attempt, logged: raw.length > 0 }) + "\n",
  );
  const bytes = new Uint8Array(line.length + raw.length);
  bytes.set(line);
  bytes.set(raw, line.length);
  return bytes;
}

/**
 * The record from its bytes.
 *
 * @throws {TokenError} `storage` when they are no such record or one of a newer release
 */
export function decodeAttempt(bytes: Uint8Array): Attempt {
  const end = bytes.indexOf(10);
  try {
    const { format, logged, ...attempt } = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
    if (format === 1) return logged ? { ...attempt, raw: bytes.slice(end + 1) } : attempt;
  } catch {
    // said below
  }
  throw new TokenError(
    "storage",
    "Cannot read what a renewal left behind: a newer release wrote it, or it is broken",
    {
      nextStep: "Use the release that wrote it, or sign in again",
    },
  );
}

/** Tells refresh tokens apart. Not for secrecy: the record is encrypted like the token itself. */
export function fingerprint(token: string): string {
  // FNV-1a twice, from two beginnings
  let [one, other] = [0x811c9dc5, 0x01234567];
  for (let at = 0; at < token.length; at++) {
    const code = token.charCodeAt(at);
    one = Math.imul(one ^ code, 0x01000193);
    other = Math.imul(other ^ code ^ (one >>> 16), 0x01000193);
  }
  return `${token.length}-${(one >>> 0).toString(16)}${(other >>> 0).toString(16).padStart(8, "0")}`;
}

/**
 * What is written down of a server's wish; nothing where it has none.
 *
 * @param now epoch seconds
 */
export function laterOf(error: TokenError, now: number): Later | undefined {
  const { retryAfter, code, message, serverError, serverDescription, status } = error;
  if (retryAfter === undefined) return undefined;
  const until = now + Math.min(retryAfter, LONGEST_WISH);
  return { until, code, message, serverError, serverDescription, status };
}

/** The error again, while the wish holds. A clock that went back does not make it longer. */
export function stillLater(later: Later | undefined, now: number): TokenError | undefined {
  if (!later || later.until <= now || later.until > now + LONGEST_WISH) return undefined;
  const { until, code, message, ...details } = later;
  return new TokenError(code, message, { ...details, retryAfter: Math.ceil(until - now), sent: false });
}
