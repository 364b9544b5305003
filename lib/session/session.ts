/**
 * What a sign-in left behind. Secret: it lives encrypted in a store.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import { parseJson } from "../http/json.ts";
import type { JsonWebKey } from "../oauth/json_web_key.ts";
import type { ServerMetadata } from "../oauth/issuer.ts";
import type { RegisteredClient } from "../oauth/registration.ts";
import type { IdTokenClaims } from "../oauth/token_set.ts";
import type { Rotation } from "./refresh_events.ts";

/** What a sign-in left behind: the refresh-token family and what belongs to it. */
export interface Session {
  /** The version of this form. */
  readonly format: 1;
  readonly issuer: string;
  readonly clientId: string;
  /** The server's metadata as it was at sign-in; credentials go to its token endpoint only. */
  readonly metadata: ServerMetadata;
  readonly refreshToken?: string;
  /** When the refresh token ends by itself, in epoch seconds, where the server says so. */
  readonly refreshExpiresAt?: number;
  /** The scope that was granted. */
  readonly scope?: string;
  /** Who signed in. */
  readonly claims?: IdTokenClaims;
  /** The client secret, where it was typed in and is not read from a file. */
  readonly clientSecret?: string;
  /** The private key that the tokens are bound to (RFC 9449). */
  readonly dpopKey?: JsonWebKey;
  /** The client's registration, where this program registered it (RFC 7591). */
  readonly registration?: RegisteredClient;
  /** The newest ID token, as a hint for the server's log-out page. */
  readonly idToken?: string;
  /** When the sign-in was, in epoch seconds. */
  readonly signedInAt: number;
  /** The fingerprint of the refresh token that the sign-in brought, where it may be kept twice by mistake. */
  readonly origin?: string;
  /** When the refresh token was received, in epoch milliseconds. */
  readonly receivedAt?: number;
  /** What the server does with a refresh token that was used, as far as it is known. */
  readonly rotation?: Rotation;
  /** Refresh tokens of this sign-in that were received beside the first, newest first. */
  readonly alternatives?: readonly string[];
  /** That the server has called the refresh token dead, when (in epoch seconds) and in which words. */
  readonly dead?: { readonly at: number; readonly words: string };
}

/** A session as bytes for a store that encrypts. */
export function encodeSession(session: Session): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(session));
}

/**
 * A session from its bytes.
 *
 * @throws {TokenError} `storage` when they are no session or one of a newer release
 */
export function decodeSession(bytes: Uint8Array): Session {
  const session = parse(bytes);
  const whole = session?.format === 1 && typeof session.issuer === "string" &&
    typeof session.clientId === "string" && typeof session.metadata?.issuer === "string";
  if (whole) return session as Session;
  throw new TokenError("storage", "Cannot read the session: it is broken or was written by a newer release", {
    nextStep: "Sign in again, or use the release that wrote it",
  });
}

function parse(bytes: Uint8Array): Partial<Session> | undefined {
  try {
    return parseJson(bytes, Error) as Partial<Session>;
  } catch {
    return undefined;
  }
}
