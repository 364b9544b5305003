/** What a virtual client hears of its request, and what it reads out of an answer. */

import { TokenError } from "../../lib/errors.ts";
import type { Event } from "../../lib/session/refresh_events.ts";
import type { Session, Token } from "./client.ts";
import type { Random } from "./random.ts";
import type { Request } from "./server.ts";

/** What the client hears. */
export function outcomeOf(
  request: Request,
  { asked, life, random }: { readonly asked: string; readonly life: number; readonly random: Random },
): Event<Session, Token> {
  const { fate, answer } = request;
  const error = (code: "network" | "timeout" | "unavailable" | "server_refused", options = {}) =>
    new TokenError(code, fate, options);
  switch (fate) {
    case "unsent":
      return { is: "unsent", error: error("network") };
    case "later":
      return {
        is: "unsent",
        error: error("unavailable", { status: 429, retryAfter: 1 + random.below(40) }),
      };
    case "refused":
      return { is: "refused", error: error("server_refused", { status: 401 }) };
    case "hangs":
    case "zombie":
      return { is: "unclear", error: error("timeout") };
    case "answer lost":
    case "error before":
    case "error after":
      return { is: "unclear", error: error("network") };
    case "answer torn":
      return { is: "unclear", error: error("network"), processed: typeof answer === "object" };
  }
  if (typeof answer !== "object") {
    return { is: "dead", error: error("server_refused", { serverError: "invalid_grant" }) };
  }
  const refreshToken = answer.refreshToken ?? request.refreshToken;
  const expiresAt = request.sentAt + life;
  const token: Token | undefined = fate === "answered"
    ? {
      asked,
      requestedAt: request.sentAt,
      expiresAt,
      softAt: expiresAt - life * 0.2,
      hardAt: expiresAt - life * 0.05,
      refreshToken,
    }
    : undefined;
  const raw = fate === "unreadable"
    ? "?"
    : JSON.stringify({ refreshToken, receivedAt: request.endsAt, token });
  return { is: "answered", raw: new TextEncoder().encode(raw) };
}

/** What is found in an answer. */
export function interpretation(raw: string, kept: Session): Event<Session, Token> {
  const error = new TokenError("invalid_response", "The answer is of no use");
  if (raw === "?") return { is: "spoiled", error };
  const { refreshToken, receivedAt, token } = JSON.parse(raw);
  const next = { ...kept, refreshToken, receivedAt };
  return token ? { is: "interpreted", found: { kept: next, token } } : { is: "spoiled", error, kept: next };
}
