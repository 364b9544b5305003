/**
 * The two effects of the refresh protocol that have to do with a server: presenting a refresh token, and reading the
 * answer.
 *
 * @module
 */

import { isTokenError } from "../errors.ts";
import type { Client } from "../oauth/client.ts";
import {
  type Presentation,
  presentRefreshToken,
  readRefreshAnswer,
  showsTokens,
} from "../oauth/grants/refresh_token_steps.ts";
import type { Issuer } from "../oauth/issuer.ts";
import { decodeAnswer, encodeAnswer, type LoggedAnswer } from "./logged_answer.ts";
import type { Event, Kept } from "./refresh_events.ts";
import { outcomeOf } from "./refresh_outcome.ts";
import type { Session } from "./session.ts";
import type { AccessToken } from "./token_cache.ts";

/** Who asks whom. */
export interface Reached {
  readonly issuer: Issuer;
  readonly client: Client;
}

/**
 * Presents a refresh token, and says what became of it.
 *
 * @param asked what is written down of the wish, for whoever reads the answer later
 */
export async function present<K extends Kept, T>(
  { issuer, client }: Reached,
  presentation: Presentation,
  asked: string,
): Promise<Event<K, T>> {
  try {
    const answer = await presentRefreshToken(issuer, client, presentation);
    return { is: "answered", raw: encodeAnswer({ ...answer, asked }) };
  } catch (error) {
    if (isTokenError(error)) return outcomeOf(error);
    throw error;
  }
}

/**
 * Reads an answer.
 *
 * @param raw as {@linkcode present} gave it
 * @param made makes of an access token what is kept of it
 */
export async function interpret<T>(
  { issuer, client }: Reached,
  session: Session,
  raw: Uint8Array,
  made: (token: AccessToken, answer: LoggedAnswer) => T,
): Promise<Event<Session, T>> {
  const answer = decodeAnswer(raw);
  const compared = { ...session, refreshToken: session.refreshToken! };
  const { refreshToken, tokens, error } = await readRefreshAnswer(issuer, client, compared, answer);
  const received = { ...session, refreshToken, receivedAt: answer.receivedAt };
  if (!tokens) {
    if (refreshToken !== undefined) return { is: "spoiled", error: error!, kept: received };
    const outcome = outcomeOf<Session, T>(error!);
    if (outcome.is === "dead" || outcome.is === "refused") return outcome;
    return { is: "spoiled", error: error!, processed: showsTokens(answer.body) };
  }
  const { refreshToken: _kept, ...token } = tokens;
  const { refreshExpiresAt, claims, idToken } = tokens;
  const learned = Object.entries({ refreshExpiresAt, claims, idToken }).filter(([, value]) =>
    value !== undefined
  );
  const kept = { ...received, ...Object.fromEntries(learned) };
  return { is: "interpreted", found: { kept, token: made(token, answer) } };
}
