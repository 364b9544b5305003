/**
 * What every output form starts from.
 *
 * @module
 */

/** A token on its way to the program that asked. */
export interface Answer {
  /** The access token, or the ID token where that was asked for. */
  readonly token: string;
  /** Whether it is an ID token. Default: false. */
  readonly isIdToken?: boolean;
  readonly tokenType: string;
  /** What kind of token an exchange gave (RFC 8693 section 2.2.1). Absent for any other. */
  readonly issuedTokenType?: string;
  /** Epoch seconds. */
  readonly expiresAt: number;
  readonly scope?: string;
  readonly issuer: string;
  /** Absent for a client that comes from the environment. */
  readonly profile?: string;
}
