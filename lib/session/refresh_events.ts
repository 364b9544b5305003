/**
 * The words of the refresh protocol: what is kept, what a driver is asked to do, what it reports.
 *
 * @module
 */

import type { TokenError } from "../errors.ts";

/** How far a token may be used for what was asked. */
export type Verdict =
  /** It is good, and nobody has to be asked. */
  | "good"
  /** It may be handed out, but it is time to renew it when there is a chance. */
  | "due"
  /** It is renewed before it is handed out, and handed out as it is only where that fails. */
  | "overdue"
  /** It is no use for this caller: there is none, it has ended, or the caller called it bad. */
  | "useless";

/** What a server does with a refresh token that was used, as far as it is known; see {@linkcode learnedRotation}. */
export type Rotation =
  | "unknown"
  /** It stays good. */
  | "steady"
  /** It is replaced; what comes of presenting it again is not known. */
  | "replacing"
  /** It is replaced, and presenting it again has ended a sign-in. */
  | "strict"
  /** It is replaced, and presenting it again is forgiven for a while. */
  | "grace";

/** What is kept of a sign-in, as far as the protocol looks at it. */
export interface Kept {
  /** When the sign-in was: what tells one family of refresh tokens from the next. */
  readonly signedInAt: number;
  /** When the refresh token was received, in epoch milliseconds: of two, the later one goes first. */
  readonly receivedAt?: number;
  /** The refresh token; absent when the server gave none. */
  readonly refreshToken?: string;
  /** Default: unknown. */
  readonly rotation?: Rotation;
  /** Refresh tokens of the same family that somebody else received beside it, newest first. */
  readonly alternatives?: readonly string[];
  /** Set when the server said that the refresh token is dead. */
  readonly dead?: { readonly at: number; readonly words: string };
}

/** An answer that was received and written down, but may not have been committed. */
export interface LoggedAnswer {
  readonly raw: Uint8Array;
  /** Whether it answers the refresh token that is stored now; if not, it was committed, or somebody overtook it. */
  readonly current: boolean;
}

/** What a look shows. */
export interface Sight<K extends Kept, T> {
  /** The access token for what was asked, if there is one. */
  readonly token?: T;
  readonly kept?: K;
  /** The version under which `kept` was read. */
  readonly version?: string;
  /** Whether somebody announced that the stored refresh token is about to be presented, and did not tidy up. */
  readonly announced?: boolean;
  readonly logged?: LoggedAnswer;
  /** The server's wish not to be asked now, with what is left of it as `retryAfter`. */
  readonly later?: TokenError;
}

/** What the server's answer was found to hold. */
export interface Interpreted<K extends Kept, T> {
  /** The session with its refresh token, and whatever else of the answer is kept. */
  readonly kept: K;
  readonly token: T;
}

/** What a driver is asked to do. Each is done when the driver reports; one at a time. */
export type Effect<K extends Kept, T> =
  /** Reads the access token, no more, without the lock. */
  | { readonly do: "glance" }
  /** Reads everything of a {@linkcode Sight}. */
  | { readonly do: "look" }
  /** Reads the session alone: what was announced and logged is still this run's own. */
  | { readonly do: "reread" }
  /** `patient`: waits for the holder, but leaves as soon as there is a token that is good. */
  | { readonly do: "lock"; readonly patient: boolean }
  /** Whatever can fail without the token being spent: key, directory, disk space. */
  | { readonly do: "prepare"; readonly kept: K }
  /** Writes durably that the refresh token of `kept` is about to be presented, in place of what was announced before. */
  | { readonly do: "announce"; readonly kept: K }
  /** Sends the refresh token of `kept`. Nothing that a caller does ends it. */
  | { readonly do: "present"; readonly kept: K }
  /** Writes the answer durably beside the announcement, before anything is read out of it. */
  | { readonly do: "log"; readonly raw: Uint8Array }
  | { readonly do: "interpret"; readonly raw: Uint8Array; readonly kept: K }
  /** Writes `kept` durably if `expected` is still the version; with `dead`, marked so, with the time and these words. */
  | { readonly do: "commit"; readonly kept: K; readonly expected?: string; readonly dead?: string }
  /** Gives the disk the room back that was reserved. */
  | { readonly do: "relieve" }
  /** Keeps the access token for the next one who asks. */
  | { readonly do: "keep"; readonly token: T }
  /** Removes the announcement and the log, if they are still those of this run or of one before it. */
  | { readonly do: "tidy" }
  /** Sees to it that `token` is not renewed, and the server not asked, before it has to be. */
  | { readonly do: "postpone"; readonly error: TokenError; readonly token?: T }
  /** `idle`: nothing is under way, so that a caller who gives up need not wait for its end. */
  | { readonly do: "rest"; readonly milliseconds: number; readonly idle: boolean }
  | { readonly do: "unlock" }
  /** Asks for a token with the client's own credentials: nothing is spent by that. */
  | { readonly do: "obtain" }
  /** The end. `because`: why it is not a new token. */
  | { readonly do: "deliver"; readonly token: T; readonly because?: TokenError }
  /** The end. */
  | { readonly do: "fail"; readonly error: TokenError };

/** What a driver reports. */
export type Event<K extends Kept, T> =
  /** After a glance, a look or a rereading; `verdict` is on the sight's token. */
  | { readonly is: "seen"; readonly sight: Sight<K, T>; readonly verdict: Verdict }
  | { readonly is: "done" }
  /** The lock is somebody else's and nobody waited for it. */
  | { readonly is: "busy" }
  /** While waiting for the lock, somebody else brought a token that is good. */
  | { readonly is: "served"; readonly token: T }
  /** A success, whatever is in it; `raw` also says when it was received. */
  | { readonly is: "answered"; readonly raw: Uint8Array }
  | { readonly is: "interpreted"; readonly found: Interpreted<K, T> }
  /**
   * The answer is no use. `kept`: the session with its refresh token, where that can be used all the same. `processed`:
   * it shows that the server has used the presented token up.
   */
  | { readonly is: "spoiled"; readonly error: TokenError; readonly kept?: K; readonly processed?: boolean }
  /** Somebody else wrote in between. */
  | { readonly is: "overtaken" }
  /** The server refused and has not used the token up. */
  | { readonly is: "refused"; readonly error: TokenError }
  /** The server says that the refresh token is dead (`invalid_grant`). */
  | { readonly is: "dead"; readonly error: TokenError }
  /** Nothing reached the server, or it said "later" (429, or 503 with `Retry-After`). */
  | { readonly is: "unsent"; readonly error: TokenError }
  /** The server may have used the token up: the answer was lost. `processed`: it has. */
  | { readonly is: "unclear"; readonly error: TokenError; readonly processed?: boolean }
  | { readonly is: "obtained"; readonly token: T }
  | { readonly is: "failed"; readonly error: TokenError };

/**
 * What an answer teaches about the server.
 *
 * A repetition that succeeds proves nothing by itself: the first request may never have arrived.
 *
 * @param before what was known
 * @param sent the refresh token that was presented
 * @param received the one that is good now
 * @param forgiven whether it is certain that the server had used `sent` up before, and took it again
 */
export function learnedRotation(
  before: Rotation = "unknown",
  sent: string,
  received: string,
  forgiven = false,
): Rotation {
  // one that replaced tokens once will do so again
  const replaces = before === "replacing" || before === "strict" || before === "grace";
  if (received === sent) return replaces ? before : "steady";
  if (forgiven || before === "grace") return "grace";
  return before === "strict" ? "strict" : "replacing";
}
