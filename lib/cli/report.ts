/**
 * An error as a person and a shell see it: one sentence, the next step, the exit code.
 *
 * @module
 */

import { type ErrorCode, isTokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { safeText } from "../safe_text.ts";
import { duration } from "./times.ts";

/** The exit codes of the command line. */
export const EXIT_CODES: Readonly<Record<ErrorCode, number>> = {
  invalid_argument: 2,
  insecure_url: 2,
  unknown_profile: 2,
  sign_in_required: 4,
  expired_code: 4,
  access_denied: 5,
  server_refused: 5,
  invalid_metadata: 5,
  invalid_response: 5,
  unsupported: 5,
  network: 6,
  timeout: 6,
  unavailable: 6,
  storage: 7,
  key: 7,
  aborted: 130,
  internal: 1,
};

/** What helps where an error does not say it itself. */
const NEXT_STEPS: Readonly<Partial<Record<ErrorCode, string>>> = {
  invalid_argument: "See: apex-token --help",
  insecure_url:
    "Use an https URL with nothing but a host and a path; http is only for a server on this machine, with " +
    "--allow-insecure-loopback",
  unknown_profile: "See: apex-token list",
  sign_in_required: "Run: apex-token login NAME",
  expired_code: "Start the sign-in again",
  access_denied: "If that was a mistake, start the sign-in again",
  server_refused: "Check the client id and the scopes, or ask the operator of the server",
  invalid_metadata: "Check the issuer URL",
  invalid_response: "Check the issuer URL, or ask the operator of the server",
  network: "Check the network and the URL, then try again",
  timeout: "Try again later, or ask the operator of the server",
  unavailable: "Try again later, or ask the operator of the server",
  unsupported: "Choose another way, or ask the operator of the server",
  storage: "Check the disk and the permissions, then try again",
  key: "Put the key back from a backup, or sign in again",
};

/** What helps where the proxy is at fault, not the server: lib/host/_connect.ts marks that. */
const PROXY_STEP =
  "Check the proxy in HTTPS_PROXY or HTTP_PROXY, and what goes past it by NO_PROXY, then try again";

/** Says on stderr what went wrong and what to do, and gives the exit code. */
export function report(host: Host, error: unknown): number {
  if (!isTokenError(error)) {
    // a fault of ours: its text may hold anything, so only its kind and place are shown
    host.say(`apex-token: internal fault (${faultName(error)}). Please report it with what you did.`);
    if (host.environment("APEX_TOKEN_DEBUG")) host.say(placeOf(error));
    return EXIT_CODES.internal;
  }
  host.say(`apex-token: ${sentence(error.message)}`);
  const { retryAfter } = error;
  const later = retryAfter === undefined
    ? undefined
    : `The server wants to be left alone for ${duration(retryAfter)}: try again then`;
  const proxy = /\(PROXY_/.test(error.message) ? PROXY_STEP : undefined;
  const nextStep = error.nextStep ?? later ?? proxy ?? NEXT_STEPS[error.code];
  if (nextStep) host.say(sentence(nextStep));
  return EXIT_CODES[error.code] ?? EXIT_CODES.internal;
}

/** Foreign words in it are safe already; this is the second lock on the door. */
function sentence(text: string): string {
  const clean = safeText(text, 1000);
  return /[.!?…:]$|https?:\S+$|^Run: |: apex-token /.test(clean) ? clean : `${clean}.`;
}

function faultName(error: unknown): string {
  return error instanceof Error ? safeText(error.name, 60) : typeof error;
}

function placeOf(error: unknown): string {
  const stack = error instanceof Error ? error.stack ?? "" : "";
  return stack.split("\n").filter((line) => /^\s+at /.test(line)).map((line) => safeText(line)).join("\n");
}
