/**
 * The answer to a refresh token as the bytes that are written down before it is read: a line of JSON, then the body as
 * it came.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import type { RefreshAnswer } from "../oauth/grants/refresh_token_steps.ts";

/** An answer, and what the token in it was asked for with. */
export interface LoggedAnswer extends RefreshAnswer {
  /** The `narrowingKey` of the wish. */
  readonly asked: string;
}

/** The bytes. */
export function encodeAnswer({ body, ...answer }: LoggedAnswer): Uint8Array {
  const line = new TextEncoder().encode(JSON.stringify({ format: 1, ...answer }) + "\n");
  const bytes = new Uint8Array(line.length + body.length);
  bytes.set(line);
  bytes.set(body, line.length);
  return bytes;
}

/**
 * The answer.
 *
 * @throws {TokenError} `storage` when a newer release wrote it
 */
export function decodeAnswer(bytes: Uint8Array): LoggedAnswer {
  const end = bytes.indexOf(10);
  const { format, ...answer } = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
  if (format === 1) return { ...answer, body: bytes.slice(end + 1) };
  throw new TokenError(
    "storage",
    "Cannot read the last answer of the server: a newer release wrote it down",
    {
      nextStep: "Use that release",
    },
  );
}
