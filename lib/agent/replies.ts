/**
 * Replies in the words that clients of oidc-agent know.
 *
 * @module
 */

import { isTokenError, type TokenError } from "../errors.ts";
import type { AgentReply } from "./requests.ts";

/** What clients compare with. */
export const WORDS = {
  unknown: "No account configured with that short name",
  notLoaded: "account not loaded",
  locked: "Agent locked",
  notLocked: "Agent not locked",
  wrongPassword: "wrong password",
  forbidden: "operation forbidden",
  unknownRequest: "Bad Request: Unknown request type.",
} as const;

/** It went well. */
export function success(members: Record<string, unknown> = {}): AgentReply {
  return { status: "success", ...members };
}

/** It did not. @param info help in a few lines */
export function failure(error: string, info?: string): AgentReply {
  return { status: "failure", error, ...(info ? { info } : {}) };
}

/** A request that lacks something. */
export function badRequest(member: string): AgentReply {
  return failure(`Bad Request: could not get ${member} from request.`);
}

/** A request for an account that has to be loaded by a person first. */
export function notLoaded(name: string): AgentReply {
  return failure(
    WORDS.notLoaded,
    `Nobody can be asked for its password here. Load it first:\n\t$ oidc-add ${shown(name)}`,
  );
}

/** An error as oidc-agent reports it: the server's words first, and then what helps. */
export function failureOf(error: unknown, name: string, kind: "account" | "profile"): AgentReply {
  if (!isTokenError(error)) throw error;
  const again = kind === "account"
    ? `oidc-gen ${shown(name)} --reauthenticate`
    : `apex-token login ${shown(name)}`;
  if (error.code === "sign_in_required") {
    const info = `Most likely the refresh token expired. To create a new one, just run:\n\t$ ${again}`;
    return failure(serverWords(error) ?? "invalid_grant: the sign-in has ended", info);
  }
  return failure(serverWords(error) ?? error.message, error.nextStep);
}

function serverWords({ serverError, serverDescription }: TokenError): string | undefined {
  if (!serverError) return undefined;
  return serverDescription ? `${serverError}: ${serverDescription}` : serverError;
}

/** A name for a command line that somebody will copy. */
function shown(name: string): string {
  return /^[\w.@-]{1,200}$/.test(name) ? name : "NAME";
}

/** A member of a request that is a text; an empty one counts as not given. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A member of a request that is a number, or digits. */
export function numberOf(value: unknown): number | undefined {
  const number = typeof value === "string" && /^-?\d{1,10}$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}

/** A member of a request that is 1, `true` or neither. */
export function flagOf(value: unknown): boolean {
  return value === 1 || value === true || value === "1";
}
