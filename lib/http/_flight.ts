/**
 * An exchange under way, and how it fails.
 *
 * @module
 */

import { type ErrorCode, TokenError, type TokenErrorOptions } from "../errors.ts";

/** An exchange under way. */
export interface Flight {
  /** Whom it is with, fit to be shown. */
  readonly host: string;
  /** Aborts when the exchange is over, however it ended. */
  readonly signal: AbortSignal;
  /** When the headers had come, by the monotonic clock. */
  since?: number;
  /** How much of the body has come, decoded, in bytes. */
  received: number;
}

/** The error of an exchange. Unless the options say otherwise, the request may have reached the server. */
export function failure(
  flight: Flight,
  code: ErrorCode,
  reason: string,
  options?: TokenErrorOptions,
): TokenError {
  return new TokenError(code, `Cannot get an answer from ${flight.host}: ${reason}`, {
    sent: true,
    ...options,
  });
}
