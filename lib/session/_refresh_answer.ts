/**
 * The refresh protocol after the presentation: what the server said, and how it becomes durable.
 *
 * @module
 */

import type { TokenError } from "../errors.ts";
import {
  afterFailure,
  anew,
  close,
  disturbed,
  errorOf,
  giveUp,
  inNewRound,
  newLog,
  type Pending,
  settle,
  signInNeeded,
  type State,
  type Step,
  to,
} from "./_refresh_state.ts";
import { type Effect, type Event, type Kept, learnedRotation } from "./refresh_events.ts";

type Seen<K extends Kept, T> = Extract<Event<K, T>, { is: "seen" }>;

/** The pauses before a refresh token is presented again after a lost answer, in milliseconds. */
const LOST_PAUSES: readonly number[] = [500, 5000];
/** The same where the request did not reach the server. */
const UNSENT_PAUSES: readonly number[] = [200, 1000];
/** And where the server said "later" without a time. */
const LATER_PAUSES: readonly number[] = [1000];
/** A wish of the server that is waited for rather than reported, in seconds. */
const SHORT_WISH = 5;
/** The pauses before a commit that failed is tried again. The first try after a failure comes at once. */
const COMMIT_PAUSES: readonly number[] = [0, 200, 1000];
/** How often somebody else may be faster with a commit before this one is given up; the log stays then. */
const CONFLICTS = 100;
/** How many refresh tokens are kept beside the first. */
const ALTERNATIVES = 3;

/** What the server said to a refresh token. */
export function presented<K extends Kept, T>(state: State<K, T>, event: Event<K, T>): Step<K, T> {
  switch (event.is) {
    case "answered":
      return to({ ...state, raw: event.raw }, "logging", { do: "log", raw: event.raw });
    case "dead":
      return to({ ...state, refusal: event.error }, "looking at the refusal", { do: "look" });
    case "unsent":
      return unsent(state, event.error);
    case "unclear":
      return lost(state, event.error, event.processed);
    case "refused":
      return settle(state, event.error);
    default:
      return giveUp(state, errorOf(event));
  }
}

function rest<K extends Kept, T>(state: State<K, T>, milliseconds: number): Step<K, T> {
  return to(state, "resting before presenting", { do: "rest", milliseconds, idle: true });
}

/** Not processed: the server is obeyed, and a token that is at hand is served. */
function unsent<K extends Kept, T>(state: State<K, T>, error: TokenError): Step<K, T> {
  const { status, retryAfter } = error;
  const pauses = retryAfter !== undefined
    ? retryAfter <= SHORT_WISH ? [retryAfter * 1000] : []
    : status === undefined
    ? UNSENT_PAUSES
    : LATER_PAUSES;
  const pause = pauses[state.presented - 1];
  return pause === undefined || state.verdict === "due" ? settle(state, error) : rest(state, pause);
}

/** Perhaps processed: the announcement stays until somebody knows. */
function lost<K extends Kept, T>(state: State<K, T>, error: TokenError, processed = false): Step<K, T> {
  const now = { ...state, unclear: true, processed: state.processed || processed };
  if (state.verdict === "due") {
    // the access token is worth more than a try that will end the sign-in
    if (state.sight.kept!.rotation === "strict") return giveUp(now, error);
    // and nobody waits long who has one: one more try, where nothing at all was heard
    if (error.status !== undefined || state.presented > 1) return giveUp(now, error);
  }
  // who has waited that long waits no longer: the next call tries again
  if (error.code === "timeout") return giveUp(now, error);
  const pause = LOST_PAUSES[state.presented - 1];
  return pause === undefined ? giveUp(now, error) : rest(now, pause);
}

/**
 * What an answer was found to hold.
 *
 * @param goOn what is done where a log is of no use
 */
export function interpreted<K extends Kept, T>(
  state: State<K, T>,
  event: Event<K, T>,
  goOn: (state: State<K, T>) => Step<K, T>,
): Step<K, T> {
  if (event.is === "interpreted") return received(state, event.found.kept, event.found.token);
  if (event.is === "spoiled" && event.kept) return received(state, event.kept, undefined, event.error);
  const processed = event.is === "spoiled" && event.processed;
  // as if there were an announcement alone; the log stays, a later release may read it
  if (state.recovering) {
    return goOn({ ...state, unclear: true, processed: state.processed || processed === true });
  }
  if (event.is === "dead" || event.is === "refused") return presented(state, event);
  return lost({ ...state, dealtWith: state.raw }, errorOf(event), processed);
}

/** A refresh token is here: whatever else is wrong, it is committed. */
function received<K extends Kept, T>(
  state: State<K, T>,
  answer: K,
  token: T | undefined,
  error?: TokenError,
): Step<K, T> {
  const keep: Effect<K, T>[] = token === undefined ? [] : [{ do: "keep", token }];
  const before = state.sight.kept!;
  const sent = state.sent!;
  const refreshToken = answer.refreshToken ?? sent;
  const anewAfter: Effect<K, T>[] = [...keep, { do: "tidy" }, { do: "look" }];
  if (state.recovering && !state.sight.logged!.current) {
    const others = before.alternatives ?? [];
    // even where it is there already: whoever wrote it may have died before it was on the disk for good
    const kept = [before.refreshToken, ...others].includes(refreshToken)
      ? before
      : before.dead
      ? { ...before, refreshToken, dead: undefined }
      : { ...before, alternatives: [refreshToken, ...others].slice(0, ALTERNATIVES) };
    return commit(state, { kept, received: false, then: anewAfter });
  }
  const rotation = learnedRotation(before.rotation, sent, refreshToken, state.processed);
  const kept = { ...answer, refreshToken, rotation, alternatives: undefined, dead: undefined };
  const then: Effect<K, T>[] = state.recovering
    ? anewAfter
    : error
    ? [{ do: "tidy" }, ...afterFailure(state, error)]
    : [...keep, { do: "tidy" }, { do: "unlock" }, { do: "deliver", token: token! }];
  return commit(state, { kept, received: true, then });
}

function commit<K extends Kept, T>(state: State<K, T>, pending: Pending<K, T>): Step<K, T> {
  const { kept, dead } = pending;
  return to({ ...state, pending, failures: 0 }, "committing", {
    do: "commit",
    kept,
    expected: state.sight.version,
    dead,
  });
}

/** How the commit went. A failed one is tried again: until it succeeds, the log is all that there is. */
export function committed<K extends Kept, T>(state: State<K, T>, event: Event<K, T>): Step<K, T> {
  const { then, received } = state.pending!;
  if (event.is === "done") return close(state, then);
  if (event.is === "overtaken") {
    if (!received) return anew(state);
    // the answer of somebody who died is in the log for as long as it is needed
    if (state.recovering) return anew({ ...state, dealtWith: undefined });
    const conflicts = state.conflicts + 1;
    return conflicts > CONFLICTS
      ? giveUp(state, disturbed())
      : to({ ...state, conflicts }, "looking at the winner", { do: "reread" });
  }
  const pause = COMMIT_PAUSES[state.failures];
  const again = { ...state, failures: state.failures + 1 };
  if (pause === undefined) return giveUp(state, errorOf(event));
  return pause === 0
    ? to(again, "relieving", { do: "relieve" })
    : to(again, "resting before committing", { do: "rest", milliseconds: pause, idle: false });
}

/** Somebody committed in spite of the lock: of two refresh tokens, the one received later goes first. */
export function lookedAtWinner<K extends Kept, T>(state: State<K, T>, { sight }: Seen<K, T>): Step<K, T> {
  const pending = state.pending!;
  const { kept: mine } = pending;
  const theirs = sight.kept;
  // a person has signed out, or in again: that stands, and what we have is of a sign-in that is over
  if (!theirs) return close(state, [{ do: "tidy" }, { do: "unlock" }, { do: "fail", error: signInNeeded() }]);
  if (theirs.signedInAt !== mine.signedInAt) {
    return inNewRound(state, (now) => close(now, [{ do: "tidy" }, { do: "look" }]));
  }
  const [first, second] = !theirs.dead && (theirs.receivedAt ?? 0) > (mine.receivedAt ?? 0)
    ? [theirs, mine]
    : [mine, theirs];
  const others = [second.refreshToken, ...theirs.alternatives ?? [], ...mine.alternatives ?? []];
  const isWorthKeeping = (one?: string) =>
    one !== undefined && one !== first.refreshToken && one !== state.sent;
  const alternatives = [...new Set(others)].filter(isWorthKeeping).slice(0, ALTERNATIVES) as string[];
  return commit({ ...state, sight: { ...state.sight, version: sight.version } }, {
    ...pending,
    kept: { ...first, alternatives },
  });
}

/**
 * The server says that the token is dead: of that token only, not of one that somebody stored meanwhile.
 *
 * @param goOn what follows a look that shows something else
 */
export function lookedAtRefusal<K extends Kept, T>(
  state: State<K, T>,
  seen: Seen<K, T>,
  goOn: (state: State<K, T>, seen: Seen<K, T>) => Step<K, T>,
): Step<K, T> {
  const { sight, verdict } = seen;
  const { kept } = sight;
  const error = state.refusal!;
  const now = { ...state, sight, verdict };
  if (!kept || kept.dead) return close(now, [{ do: "tidy" }, ...afterFailure(now, error)]);
  const isNews = kept.refreshToken !== state.sent || newLog(state, sight) !== undefined;
  if (isNews) return inNewRound(state, (next) => goOn(next, seen));
  const [refreshToken, ...alternatives] = kept.alternatives ?? [];
  if (refreshToken !== undefined) {
    const other = { ...kept, refreshToken, alternatives };
    const then: Effect<K, T>[] = [{ do: "tidy" }, { do: "look" }];
    return inNewRound(now, (next) => commit(next, { kept: other, received: false, then }));
  }
  // a server that forgives may be of two minds for a moment
  if (kept.rotation === "grace" && state.presented === 1) return rest(now, UNSENT_PAUSES[0]);
  const dead = error.serverDescription ?? error.serverError ?? error.message;
  // the next sign-in is to know it
  const buried = state.processed ? { ...kept, rotation: "strict" as const } : kept;
  return commit(now, {
    kept: buried,
    dead,
    received: false,
    then: [{ do: "tidy" }, ...afterFailure(now, error)],
  });
}
