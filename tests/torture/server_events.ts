/**
 * What the server of the torture writes down, and how tokens are named in it.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** One line of the server's log. */
export type ServerEvent =
  & {
    /** In epoch milliseconds. */
    readonly at: number;
  }
  & (
    /** Somebody signed in, and was given a refresh token. */
    | { readonly event: "signed in"; readonly next: string }
    /** A refresh token was presented; from here on the server waits until it is told to go on. */
    | { readonly event: "arrived"; readonly request: number; readonly token: string; readonly port: number }
    /** It was replaced by `next`; the answer is held back until the server is told to go on. */
    | {
      readonly event: "rotated";
      readonly request: number;
      readonly token: string;
      readonly next: string;
      readonly access: string;
    }
    /** `revoked`: that ended the sign-in. */
    | {
      readonly event: "refused";
      readonly request: number;
      readonly token: string;
      readonly error: string;
      readonly revoked: boolean;
    }
    /** The whole answer went out. */
    | { readonly event: "answered"; readonly request: number }
    /** Nobody was there to take it. */
    | { readonly event: "unheard"; readonly request: number }
  );

/** How the server is started. */
export interface ServerSettings {
  /** The file of its log. */
  readonly log: string;
  /** How long an access token lives, in seconds. */
  readonly life: number;
  /** How long a used refresh token is taken again, in seconds; 0: a second use ends the sign-in. */
  readonly grace: number;
}

/** The name of a token in logs and reports. */
export function nameOf(token: string): string {
  return createHash("sha256").update(token).digest("hex").slice(0, 12);
}
