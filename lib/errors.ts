/**
 * The one error of this package.
 *
 * @module
 */

import { safeText } from "./safe_text.ts";

/**
 * What went wrong, in a word that stays the same from release to release.
 *
 * | code | means |
 * | --- | --- |
 * | `invalid_argument` | the call itself is wrong, or this place cannot carry it out: an unknown option, a malformed value, a port that is taken |
 * | `insecure_url` | a URL is not `https` (nor a permitted loopback `http`) |
 * | `unknown_profile` | there is no profile of that name |
 * | `sign_in_required` | only a new sign-in helps: the refresh token is dead or there is none |
 * | `expired_code` | the device code or the authorization code ran out before it was used |
 * | `access_denied` | the person, or the server, said no |
 * | `server_refused` | the server refused the request (`serverError` has its word) |
 * | `invalid_metadata` | the issuer's metadata cannot be used: not found, not JSON, another issuer |
 * | `invalid_response` | the server's answer breaks the protocol |
 * | `network` | the server could not be reached, or the connection broke |
 * | `timeout` | no complete answer within the deadline |
 * | `unavailable` | the server answered that it cannot answer now (5xx, 429) |
 * | `storage` | a file or a store cannot be read or written, or what is in it is broken |
 * | `key` | the key that protects a session is missing or does not fit |
 * | `aborted` | the caller's signal, or Ctrl-C, ended the wait |
 * | `unsupported` | the server, a store or the runtime cannot do what was asked |
 * | `internal` | a fault of this package |
 */
export type ErrorCode =
  | "invalid_argument"
  | "insecure_url"
  | "unknown_profile"
  | "sign_in_required"
  | "expired_code"
  | "access_denied"
  | "server_refused"
  | "invalid_metadata"
  | "invalid_response"
  | "network"
  | "timeout"
  | "unavailable"
  | "storage"
  | "key"
  | "aborted"
  | "unsupported"
  | "internal";

/** The details of a {@linkcode TokenError}. */
export interface TokenErrorOptions {
  /** What a person can do about it: a sentence or a command. */
  nextStep?: string;
  /** The `error` of the server's answer (RFC 6749 section 5.2). Made safe before it is kept. */
  serverError?: string;
  /** The `error_description` of the server's answer. Made safe before it is kept. */
  serverDescription?: string;
  /** The HTTP status of the answer. */
  status?: number;
  /** How long the server asked us to wait (`Retry-After`), in seconds. */
  retryAfter?: number;
  /** Whether the same request may succeed later. Default: true for `network`, `timeout` and `unavailable`. */
  retryable?: boolean;
  /** Whether the request may have reached the server: then a refresh token counts as presented. */
  sent?: boolean;
}

const RETRYABLE: readonly ErrorCode[] = ["network", "timeout", "unavailable"];

/**
 * Everything that this package throws on purpose. It never holds a token, a secret or a raw answer, so it can be
 * logged, inspected and serialised as it is.
 */
export class TokenError extends Error {
  /** Always `"TokenError"`. */
  override readonly name = "TokenError";
  /** What went wrong, for programs. */
  declare readonly code: ErrorCode;
  /** What a person can do about it. */
  declare readonly nextStep?: string;
  /** The server's `error`, made safe. */
  declare readonly serverError?: string;
  /** The server's `error_description`, made safe. */
  declare readonly serverDescription?: string;
  /** The HTTP status of the server's answer. */
  declare readonly status?: number;
  /** How long the server asked us to wait, in seconds. */
  declare readonly retryAfter?: number;
  /** Whether the same request may succeed later. */
  declare readonly retryable: boolean;
  /** Whether the request may have reached the server. */
  declare readonly sent?: boolean;

  /**
   * Makes an error.
   *
   * @param code what went wrong, for programs
   * @param message what went wrong, for people: one sentence without a full stop
   * @param options the server's words, the next step
   */
  constructor(code: ErrorCode, message: string, options: TokenErrorOptions = {}) {
    super(message);
    this.code = code;
    this.retryable = options.retryable ?? RETRYABLE.includes(code);
    this.nextStep = options.nextStep;
    this.serverError = options.serverError && safeText(options.serverError, 100);
    this.serverDescription = options.serverDescription && safeText(options.serverDescription);
    this.status = options.status;
    this.retryAfter = options.retryAfter;
    this.sent = options.sent;
  }
}

/** Whether `error` is a {@linkcode TokenError}, also one of another copy of this package. */
export function isTokenError(error: unknown): error is TokenError {
  return error instanceof Error && error.name === "TokenError" &&
    typeof (error as TokenError).code === "string";
}
