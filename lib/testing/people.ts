/**
 * What people do, away from the client.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import type { PendingSignIn, State } from "./state.ts";

/** A sign-in that waits for a person. */
export interface WaitingSignIn {
  /** The device code or the `auth_req_id`. */
  readonly code: string;
  /** What a person would type; only of the device grant. */
  readonly userCode?: string;
  /** Who asks. */
  readonly clientId: string;
  /** What the client asks for. */
  readonly scope: string;
  /** What both devices show; only of CIBA. */
  readonly bindingMessage?: string;
}

/** The people's side of the device grant and of CIBA. */
export interface People {
  waiting(): readonly WaitingSignIn[];
  approve(code: string, subject?: string): void;
  deny(code: string): void;
  expire(code: string): void;
}

/** Lets people decide about what waits in `state`; `code` is a user code or an `auth_req_id`. */
export function people(state: State): People {
  const find = (code: string): PendingSignIn => {
    const wanted = plain(code);
    const found = [...state.pending.values()].find(({ code: own, userCode }) =>
      own === code || (userCode !== undefined && plain(userCode) === wanted)
    );
    if (found === undefined) {
      throw new TokenError("invalid_argument", "Cannot decide: nobody waits with that code");
    }
    return found;
  };
  return {
    waiting: () =>
      [...state.pending.values()]
        .filter((one) => one.decision === undefined && one.expiresAt > state.clock.now())
        .map(({ code, userCode, clientId, scope, bindingMessage }) => ({
          code,
          clientId,
          scope,
          ...(userCode === undefined ? {} : { userCode }),
          ...(bindingMessage === undefined ? {} : { bindingMessage }),
        })),
    approve: (code, subject) => {
      const found = find(code);
      found.decision = { subject: subject ?? found.subject ?? someone(state) };
    },
    deny: (code) => {
      find(code).decision = "denied";
    },
    expire: (code) => {
      find(code).expiresAt = state.clock.now();
    },
  };
}

/** Who signs in when nobody says who. */
export function someone(state: State): string {
  return state.users[0]?.subject ?? "somebody";
}

/** People leave out the hyphen and do not mind capitals (RFC 8628 section 6.1). */
function plain(userCode: string): string {
  return userCode.replace(/[^a-z0-9]/gi, "").toUpperCase();
}
