/**
 * Where a run of the refresh protocol is, and how it comes to its end.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import type { Effect, Event, Kept, LoggedAnswer, Sight, Verdict } from "./refresh_events.ts";

/** What the last effect was for. */
export type Phase =
  | "glancing"
  | "locking"
  | "looking"
  | "preparing"
  | "announcing"
  | "presenting"
  | "resting before presenting"
  | "logging"
  | "interpreting"
  | "committing"
  | "relieving"
  | "resting before committing"
  | "looking at the winner"
  | "looking at the refusal"
  | "obtaining"
  | "closing";

/** Something to commit, and what follows when it is durable. */
export interface Pending<K extends Kept, T> {
  readonly kept: K;
  /** The server's words, to mark it dead. */
  readonly dead?: string;
  /** Whether it holds something that was received: then it is never dropped, whoever wrote in between. */
  readonly received: boolean;
  readonly then: readonly Effect<K, T>[];
}

/** Where a run of the protocol is. */
export interface State<K extends Kept, T> {
  readonly phase: Phase;
  /** Whether a refresh token is spent; the client's own credentials are not. */
  readonly spends: boolean;
  /** What the last look showed. */
  readonly sight: Sight<K, T>;
  readonly verdict: Verdict;
  /** The refresh token that was presented, or that the log is the answer to. */
  readonly sent?: string;
  /** How often a refresh token was presented in this run. */
  readonly presented: number;
  /** Whether the stored refresh token may have been used up by a presentation whose answer is lost. */
  readonly unclear: boolean;
  /** Whether it certainly was. */
  readonly processed: boolean;
  /** The answer in hand. */
  readonly raw?: Uint8Array;
  /** Whether that answer is to a run that died. */
  readonly recovering: boolean;
  /** The log that was dealt with, so that one that cannot be tidied away or read does not come up again. */
  readonly dealtWith?: Uint8Array;
  readonly pending?: Pending<K, T>;
  /** What the server said when it called the refresh token dead. */
  readonly refusal?: TokenError;
  /** How often a commit failed. */
  readonly failures: number;
  /** How often somebody else was faster with a commit. */
  readonly conflicts: number;
  /** How often it began anew because somebody wrote in between. */
  readonly rounds: number;
  /** What is left to do; the last one ends the run or begins it anew. */
  readonly queue: readonly Effect<K, T>[];
}

/** A state and the one effect that leads on from it. */
export interface Step<K extends Kept, T> {
  readonly state: State<K, T>;
  readonly effect: Effect<K, T>;
}

/** A state that waits for `effect`. */
export function to<K extends Kept, T>(state: State<K, T>, phase: Phase, effect: Effect<K, T>): Step<K, T> {
  return { state: { ...state, phase }, effect };
}

/** Carries out effects one after the other, whatever they report. */
export function close<K extends Kept, T>(
  state: State<K, T>,
  effects: readonly Effect<K, T>[],
): Step<K, T> {
  const [effect, ...queue] = effects;
  // beginning anew: what is seen then is judged as after the lock
  return to({ ...state, queue }, effect.do === "look" ? "looking" : "closing", effect);
}

/** Gives the lock back and ends with `end`. */
export function unlockFor<K extends Kept, T>(state: State<K, T>, end: Effect<K, T>): Step<K, T> {
  return close(state, [{ do: "unlock" }, end]);
}

/** A token that may be handed out is, whatever went wrong; else the error. */
export function ending<K extends Kept, T>({ sight, verdict }: State<K, T>, error: TokenError): Effect<K, T> {
  const hopeless = error.code === "aborted" || error.code === "internal";
  return sight.token !== undefined && verdict !== "useless" && !hopeless
    ? { do: "deliver", token: sight.token, because: error }
    : { do: "fail", error };
}

/** The effects that end a run which holds the lock. */
export function afterFailure<K extends Kept, T>(state: State<K, T>, error: TokenError): Effect<K, T>[] {
  const end = ending(state, error);
  const token = end.do === "deliver" ? end.token : undefined;
  const wait = token !== undefined || error.retryAfter !== undefined;
  return [...wait ? [{ do: "postpone", error, token } as const] : [], { do: "unlock" }, end];
}

/** Ends a run that holds the lock. What was announced stays: whoever comes next must know of it. */
export function giveUp<K extends Kept, T>(state: State<K, T>, error: TokenError): Step<K, T> {
  return close(state, afterFailure(state, error));
}

/** The same where the server has not used the token up, unless an answer was lost before. */
export function settle<K extends Kept, T>(state: State<K, T>, error: TokenError): Step<K, T> {
  if (state.unclear) return giveUp(state, error);
  return close(state, [{ do: "tidy" }, ...afterFailure(state, error)]);
}

/** How often a run begins anew; each time somebody wrote in spite of the lock. */
const ROUNDS = 5;

/** Goes on with `step` in a new round, or gives up. */
export function inNewRound<K extends Kept, T>(
  state: State<K, T>,
  step: (state: State<K, T>) => Step<K, T>,
): Step<K, T> {
  return state.rounds < ROUNDS ? step({ ...state, rounds: state.rounds + 1 }) : giveUp(state, disturbed());
}

/** Looks again, because somebody wrote in between. */
export function anew<K extends Kept, T>(state: State<K, T>): Step<K, T> {
  return inNewRound(state, (now) => to(now, "looking", { do: "look" }));
}

/** Others write without end. */
export function disturbed(): TokenError {
  return new TokenError("storage", "Cannot renew the token: others write its session all the time", {
    nextStep: "Try again",
    retryable: true,
  });
}

/** The log that nobody has dealt with yet, if there is one. */
export function newLog<K extends Kept, T>(
  { dealtWith }: State<K, T>,
  { logged }: Sight<K, T>,
): LoggedAnswer | undefined {
  const isKnown = logged && dealtWith?.length === logged.raw.length &&
    dealtWith.every((byte, index) => byte === logged.raw[index]);
  return isKnown ? undefined : logged;
}

/** What went wrong, of an event that reports no success. */
export function errorOf<K extends Kept, T>(event: Event<K, T>): TokenError {
  if ("error" in event) return event.error;
  return new TokenError("internal", `The refresh protocol met "${event.is}" where it cannot be`);
}

/** Why there is nothing to present. */
export function signInNeeded(kept?: Kept): TokenError {
  if (!kept) return new TokenError("sign_in_required", "Nobody is signed in");
  if (!kept.dead) {
    return new TokenError("sign_in_required", "There is no refresh token, so the token could not be renewed");
  }
  const { words } = kept.dead;
  return new TokenError("sign_in_required", `The sign-in has ended (the server says "${words}")`, {
    serverError: "invalid_grant",
    serverDescription: words,
  });
}
