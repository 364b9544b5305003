/**
 * Where an agent's socket is.
 *
 * @module
 */

import { lstatSync } from "node:fs";
import process from "node:process";
import { TokenError } from "../errors.ts";
import { safeText } from "../safe_text.ts";

/** What {@linkcode socketPlaces} looks at. */
export interface Surroundings {
  environment(name: string): string | undefined;
  /** The directory for sockets of this program, where the system gives one. */
  readonly runtime?: string;
  /** The numeric user id; absent on Windows. */
  readonly uid?: number;
}

/** The numeric id of this person; nothing where there are none. */
export function ownUid(): number | undefined {
  return process.getuid?.();
}

/**
 * Where `oidc-agent-service` of release 5 keeps its socket: the C tools look there when nobody names another.
 */
export function serviceDirectory(
  { environment, uid = 0 }: Pick<Surroundings, "environment" | "uid">,
): string {
  return `${environment("TMPDIR") ?? "/tmp"}/oidc-agent-service-${uid}`;
}

/** The places where an agent may be, the likeliest first. */
export function socketPlaces(surroundings: Surroundings): string[] {
  const { environment, runtime, uid = 0 } = surroundings;
  const named = environment("OIDC_SOCK");
  if (named) return [named];
  return [
    ...(runtime ? [`${runtime}/agent.sock`] : []),
    `${serviceDirectory(surroundings)}/oidc-agent.sock`,
    `${environment("TMPDIR") ?? "/tmp"}/oidc-agent-service/${uid}/oidc-agent.sock`,
  ];
}

/**
 * The socket to talk to.
 *
 * @throws {TokenError} `unavailable` when there is none, `storage` when it is somebody else's
 */
export function findSocket(surroundings: Surroundings): string {
  const places = socketPlaces(surroundings);
  const found = places.find((path) => stateOf(path) !== undefined);
  if (found === undefined) throw noAgent();
  checkSocket(found, surroundings.uid);
  return found;
}

/** Whoever made a socket reads what is written to it: that must be this person, or root. */
export function checkSocket(path: string, uid: number | undefined): void {
  const state = stateOf(path);
  if (state === undefined) throw noAgent();
  if (!state.isSocket() && !state.isSymbolicLink()) {
    throw new TokenError("storage", `Cannot talk to an agent at ${safeText(path, 400)}: that is no socket`);
  }
  if (uid === undefined || state.uid === uid || state.uid === 0) return;
  throw new TokenError("storage", `Cannot trust the socket ${safeText(path, 400)}: another user made it`, {
    nextStep: "Unset OIDC_SOCK, and start an agent of your own: apex-token agent start",
  });
}

function stateOf(path: string) {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

/** That nobody is there. */
export function noAgent(): TokenError {
  return new TokenError("unavailable", "Cannot reach an agent: none is running", {
    nextStep: 'Start one: eval "$(apex-token agent start)"',
    sent: false,
    retryable: false,
  });
}
