/** A way to write down what the refresh protocol does: each line an effect, and what is reported to it. */

import assert from "node:assert/strict";
import { TokenError } from "../../lib/errors.ts";
import type { Effect, Event, Kept, Rotation, Sight, Verdict } from "../../lib/session/refresh_events.ts";
import { begin, type BeginOptions, next } from "../../lib/session/refresh_protocol.ts";

/** Sessions and tokens here. */
export type AnEffect = Effect<Kept, string>;
export type AnEvent = Event<Kept, string>;

/** An effect in words, and the event that answers it; the last one is the end. */
export type Line = readonly [effect: string, event?: AnEvent];

/** Asserts that a run takes this path. */
export function follows(path: readonly Line[], options?: BeginOptions): void {
  let { state, effect } = begin<Kept, string>(options);
  path.forEach(([expected, event], index) => {
    assert.equal(inWords(effect), expected, `step ${index + 1}`);
    const isEnd = effect.do === "deliver" || effect.do === "fail";
    assert.equal(event === undefined, isEnd, `step ${index + 1} is ${isEnd ? "" : "not "}the end`);
    if (event) ({ state, effect } = next(state, event));
  });
  assert.ok(effect.do === "deliver" || effect.do === "fail", "the path is whole");
}

/** An effect as the tests write it down. */
export function inWords(effect: AnEffect): string {
  switch (effect.do) {
    case "lock":
      return effect.patient ? "lock, waiting for it" : "lock, if it is free";
    case "announce":
    case "present":
      return `${effect.do} ${effect.kept.refreshToken}`;
    case "log":
    case "interpret":
      return `${effect.do} "${new TextDecoder().decode(effect.raw)}"`;
    case "commit": {
      const { kept: { refreshToken, rotation, alternatives, dead }, expected, dead: words } = effect;
      const beside = alternatives?.length ? ` beside ${alternatives.join(", ")}` : "";
      const end = words === undefined ? dead ? ", still dead" : "" : ` as dead: ${words}`;
      return `commit ${refreshToken} (${rotation ?? "unknown"})${beside} over ${expected}${end}`;
    }
    case "keep":
      return `keep ${effect.token}`;
    case "postpone":
      return `postpone ${effect.token ?? "the next request"} because of ${effect.error.message}`;
    case "rest":
      return `rest ${effect.milliseconds} ms`;
    case "deliver":
      return `deliver ${effect.token}${effect.because ? ` because of ${effect.because.message}` : ""}`;
    case "fail":
      return `fail with ${effect.error.code}`;
    default:
      return effect.do;
  }
}

/** A session with the refresh token `r1`. */
export function kept(rotation?: Rotation, more: Partial<Kept> = {}): Kept {
  return { signedInAt: 1, refreshToken: "r1", ...(rotation ? { rotation } : {}), ...more };
}

/** What a look shows: no token, or the token `t1`. */
export function seen(verdict: Verdict, sight: Sight<Kept, string> = {}): AnEvent {
  const token = verdict === "useless" ? {} : { token: "t1" };
  return { is: "seen", verdict, sight: { version: "v1", ...token, ...sight } };
}

/** A log as a look shows it. */
export function logged(text: string, current = true): Sight<Kept, string> {
  return { announced: current, logged: { raw: bytes(text), current } };
}

export const done: AnEvent = { is: "done" };
export const overtaken: AnEvent = { is: "overtaken" };

/** An answer. */
export function answered(text = "answer"): AnEvent {
  return { is: "answered", raw: bytes(text) };
}

/** What an answer holds: the access token `t2` and a refresh token, if there is one. */
export function holds(refreshToken?: string, more: Partial<Kept> = {}): AnEvent {
  const session = { ...kept(), ...more, ...(refreshToken ? { refreshToken } : {}) };
  return { is: "interpreted", found: { kept: session, token: "t2" } };
}

/** An answer without an access token that could be used. */
export function spoiled(refreshToken?: string, processed?: boolean): AnEvent {
  const error = new TokenError("invalid_response", "nonsense");
  return {
    is: "spoiled",
    error,
    processed,
    ...(refreshToken ? { kept: kept(undefined, { refreshToken }) } : {}),
  };
}

export const unclear: AnEvent = {
  is: "unclear",
  error: new TokenError("network", "silence", { sent: true }),
};
export const processed: AnEvent = { ...unclear, processed: true };
export const unsent: AnEvent = {
  is: "unsent",
  error: new TokenError("network", "no network", { sent: false }),
};
export const refused: AnEvent = {
  is: "refused",
  error: new TokenError("server_refused", "a wrong secret", { status: 401 }),
};
export const dead: AnEvent = {
  is: "dead",
  error: new TokenError("sign_in_required", "an end", {
    serverError: "invalid_grant",
    serverDescription: "Session not active",
  }),
};

/** The server's wish to be left alone. */
export function later(retryAfter?: number): AnEvent {
  return { is: "unsent", error: laterError(retryAfter) };
}

export function laterError(retryAfter?: number): TokenError {
  return new TokenError("unavailable", "too many requests", { status: 429, retryAfter });
}

/** A failure on this side. */
export function failed(code: "storage" | "timeout" | "aborted" | "key" | "network" = "storage"): AnEvent {
  return { is: "failed", error: new TokenError(code, "a broken disk") };
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
