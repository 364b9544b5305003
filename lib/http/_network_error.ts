/**
 * Why a request never got its answer, in words of our own.
 *
 * @module
 */

import type { TokenError } from "../errors.ts";
import { safeText } from "../safe_text.ts";
import { failure, type Flight } from "./_flight.ts";

/** What is known of the errors that `fetch` throws. */
interface Thrown {
  readonly code?: unknown;
  readonly syscall?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
}

// By the codes of Node and Bun and by the sentences of Deno. Each of these comes before a request is sent. ERR_SSL_… need
// not: it may be about our own certificate.
const REASONS: readonly [clue: RegExp, reason: string, nextStep?: string][] = [
  [
    /^(?!ERR_SSL).*CERT|UNABLE_TO_|peer certificate/,
    "its certificate is not trusted",
    "Trust its authority with --ca-file or SSL_CERT_FILE",
  ],
  [/ENOTFOUND|EAI_|dns error/, "the name was not found"],
  [/ECONNREFUSED|Connection refused/, "the connection was refused"],
  [/CONNECT_TIMEOUT/, "nothing answers there"],
];

/** Rebuilds what `fetch`, or the reading of its answer, threw. */
export function networkError(thrown: Thrown | undefined, flight: Flight): TokenError {
  if (flight.since !== undefined) {
    return failure(flight, "network", "the connection broke in the middle of it");
  }
  const cause = thrown?.cause as Thrown | undefined;
  const { code, syscall } = (typeof cause?.code === "string" ? cause : thrown) ?? {};
  // Deno has no codes. Its message holds the URL too, hence only the end of it.
  const connecting = /client error \(Connect\): (.*)/.exec(`${cause?.message}\n${thrown?.message}`)?.[1];
  // a code is a constant; in anything else there may be what was sent
  const clue = safeText(
    typeof code === "string" && /^[A-Z\d_]+$/.test(code) ? code : connecting ?? "",
    80,
  );
  const [, reason, nextStep] = REASONS.find(([pattern]) => pattern.test(clue)) ?? [];
  return failure(flight, "network", (reason ?? "the connection failed") + (clue && ` (${clue})`), {
    sent: !(reason || connecting || syscall === "connect"),
    nextStep,
  });
}
