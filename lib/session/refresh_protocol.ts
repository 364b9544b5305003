/**
 * The refresh protocol: how one of many processes spends a refresh token that may be spent only once, and what the
 * others do meanwhile. Pure: events in, effects out; no clock, no disk, no network.
 *
 * A driver carries out one effect at a time and reports what happened:
 *
 * ```
 * glance ─ good ─▶ deliver
 *   └▶ lock ─▶ look ─▶ prepare ─▶ announce ─▶ present ─▶ log ─▶ interpret ─▶ commit ─▶ keep ─▶ tidy ─▶ unlock ─▶ deliver
 * ```
 *
 * What it guarantees, however many processes die on the way:
 *
 * - A refresh token is presented once by processes that are alive: under the lock, after a second look (I1, I9).
 * - Once a successor is committed, its predecessor is not presented again: what is presented was read under the lock,
 *   and whoever wrote in between is noticed before (the announcement) and after (the commit) (I2).
 * - A refresh token that was received is never thrown away: it is logged before it is read, committed by
 *   compare-and-set, and where two were received at once the later one goes first and the other stays beside it (I3).
 * - An access token is handed out after its refresh token is durable (I4).
 * - What fails before the presentation costs nothing; what fails after the commit costs nothing either (I6).
 * - A refresh token that may have been used up is presented again only where that is forgiven, or where nothing is
 *   left to lose (I7).
 * - A caller that called its token bad gets one that was asked for afterwards: the verdict says so (I10).
 *
 * What it cannot: between the server's rotation and the log, the successor is on the wire only.
 *
 * @module
 */

import {
  anew,
  close,
  ending,
  errorOf,
  giveUp,
  inNewRound,
  newLog,
  settle,
  signInNeeded,
  type State,
  type Step,
  to,
  unlockFor,
} from "./_refresh_state.ts";
import { committed, interpreted, lookedAtRefusal, lookedAtWinner, presented } from "./_refresh_answer.ts";
import type { Event, Kept } from "./refresh_events.ts";

export type { Pending, Phase, State, Step } from "./_refresh_state.ts";

/** What a run is told. */
export interface BeginOptions {
  /** Whether a refresh token is spent; false for a client that asks with its own credentials. Default: true. */
  readonly spends?: boolean;
}

/** The first step of a run. */
export function begin<K extends Kept, T>({ spends = true }: BeginOptions = {}): Step<K, T> {
  const state: State<K, T> = {
    phase: "glancing",
    spends,
    sight: {},
    verdict: "useless",
    presented: 0,
    unclear: false,
    processed: false,
    recovering: false,
    failures: 0,
    conflicts: 0,
    rounds: 0,
    queue: [],
  };
  return { state, effect: { do: "glance" } };
}

/** The step that follows an event. */
export function next<K extends Kept, T>(state: State<K, T>, event: Event<K, T>): Step<K, T> {
  switch (state.phase) {
    case "glancing":
      return event.is === "seen" ? glanced(state, event) : { state, effect: ending(state, errorOf(event)) };
    case "locking":
      return locked(state, event);
    case "looking":
      return event.is === "seen" ? looked(state, event) : giveUp(state, errorOf(event));
    case "preparing":
      return event.is === "done"
        ? to(state, "announcing", { do: "announce", kept: state.sight.kept! })
        : giveUp(state, errorOf(event));
    case "announcing":
      return announced(state, event);
    case "resting before presenting":
      // who has slept for long may have been given up for dead, and the token been used up
      return event.is === "done"
        ? to(state, "announcing", { do: "announce", kept: state.sight.kept! })
        : settle(state, errorOf(event));
    case "presenting":
      return presented(state, event);
    case "logging":
      // a log that could not be written is one safety net less; the answer itself must go on to the commit
      return to(state, "interpreting", { do: "interpret", raw: state.raw!, kept: state.sight.kept! });
    case "interpreting":
      return interpreted(state, event, spend);
    case "committing":
      return committed(state, event);
    case "relieving":
    case "resting before committing":
      return recommit(state);
    case "looking at the winner":
      return event.is === "seen" ? lookedAtWinner(state, event) : giveUp(state, errorOf(event));
    case "looking at the refusal":
      return event.is === "seen" ? lookedAtRefusal(state, event, looked) : giveUp(state, state.refusal!);
    case "obtaining":
      return event.is === "obtained"
        ? close(state, [{ do: "keep", token: event.token }, { do: "unlock" }, {
          do: "deliver",
          token: event.token,
        }])
        : giveUp(state, errorOf(event));
    case "closing":
      return close(state, state.queue);
  }
}

type Seen<K extends Kept, T> = Extract<Event<K, T>, { is: "seen" }>;

/** A token that is due is served by all but the one who gets the lock at once. */
function glanced<K extends Kept, T>(state: State<K, T>, { sight, verdict }: Seen<K, T>): Step<K, T> {
  const now = { ...state, sight, verdict };
  if (verdict === "good") return { state: now, effect: { do: "deliver", token: sight.token! } };
  return to(now, "locking", { do: "lock", patient: verdict !== "due" });
}

function locked<K extends Kept, T>(state: State<K, T>, event: Event<K, T>): Step<K, T> {
  switch (event.is) {
    case "done":
      return to(state, "looking", { do: "look" });
    case "served":
      return { state, effect: { do: "deliver", token: event.token } };
    case "busy":
      return { state, effect: { do: "deliver", token: state.sight.token! } };
    default:
      return { state, effect: ending(state, errorOf(event)) };
  }
}

/** The look that counts: under the lock. */
function looked<K extends Kept, T>(state: State<K, T>, { sight, verdict }: Seen<K, T>): Step<K, T> {
  const isSame = sight.kept?.refreshToken === state.sight.kept?.refreshToken;
  const unclear = sight.announced === true;
  const now: State<K, T> = { ...state, sight, verdict, unclear, processed: isSame && state.processed };
  const { kept, later } = sight;
  const log = newLog(state, sight);
  if (verdict === "good") return unlockFor(now, { do: "deliver", token: sight.token! });
  if (log && kept && state.spends) {
    // whoever held the lock before died after the answer came: nothing is lost
    const { raw } = log;
    const recovering = { ...now, recovering: true, dealtWith: raw, raw, sent: kept.refreshToken };
    return inNewRound(recovering, (next) => to(next, "interpreting", { do: "interpret", raw, kept }));
  }
  if (later) return unlockFor(now, ending(now, later));
  if (!state.spends) return to(now, "obtaining", { do: "obtain" });
  if (!kept?.refreshToken || kept.dead) return giveUp(now, signInNeeded(kept));
  return spend(now);
}

/** Presents the refresh token, unless that would put more at stake than there is to win. */
function spend<K extends Kept, T>(state: State<K, T>): Step<K, T> {
  const { sight, verdict, unclear } = state;
  // whoever announced it may have used it up. Where the server may forgive, it does so for seconds: at once, then. Else
  // near the end of the access token, when nothing is left to lose
  if (unclear && verdict === "due" && sight.kept!.rotation === "strict") {
    return unlockFor(state, { do: "deliver", token: sight.token! });
  }
  return to({ ...state, recovering: false }, "preparing", {
    do: "prepare",
    kept: state.sight.kept!,
  });
}

function announced<K extends Kept, T>(state: State<K, T>, event: Event<K, T>): Step<K, T> {
  if (event.is === "done") return present(state);
  // somebody is at it in spite of the lock
  if (event.is === "overtaken") return anew(state);
  return settle(state, errorOf(event));
}

function present<K extends Kept, T>(state: State<K, T>): Step<K, T> {
  const kept = state.sight.kept!;
  const again = { ...state, sent: kept.refreshToken, presented: state.presented + 1 };
  return to(again, "presenting", { do: "present", kept });
}

function recommit<K extends Kept, T>(state: State<K, T>): Step<K, T> {
  const { kept, dead } = state.pending!;
  return to(state, "committing", { do: "commit", kept, expected: state.sight.version, dead });
}
