/**
 * Refresh tokens and their families: rotation, reuse, revocation (RFC 9700 section 4.14).
 *
 * @module
 */

import { refusal } from "./answers.ts";
import { randomText } from "./bytes.ts";
import type { Grant, IssuedRefreshToken, State } from "./state.ts";

/** Whether a grant leads to a refresh token here. */
export function givesRefreshTokens(state: State, scope: string): boolean {
  if (state.settings.refreshTokens === "none") return false;
  return !state.flavor.refreshNeedsOfflineAccess || scope.split(" ").includes("offline_access");
}

/** The first refresh token of a grant. */
export function firstRefreshToken(state: State, grant: Grant): string {
  return nextRefreshToken(state, grant, 0);
}

/**
 * Takes a refresh token in exchange for the next one. It does not wait for anything: of two requests with the same
 * token one is the first.
 *
 * @param check looks at the rest of the request, before anything changes
 * @returns the grant, and the token that replaces the one presented, if any does
 * @throws a refusal: `invalid_grant`
 */
export function useRefreshToken(
  state: State,
  presented: string,
  clientId: string,
  check: (grant: Grant) => void,
): { readonly grant: Grant; readonly next?: string } {
  const { texts, reuseAnswer } = state.flavor;
  const token = state.refreshTokens.get(presented);
  if (token === undefined || token.grant.clientId !== clientId) throw dead(state);
  const { grant } = token;
  grant.presented++;
  if (token.replacedAt !== undefined) grant.reused++;
  if (grant.revoked || token.expiresAt <= state.clock.now()) throw dead(state);
  if (isReplay(state, token)) {
    if (state.flavor.replayRevokesFamily) grant.revoked = true;
    throw refusal("invalid_grant", texts.replayedRefreshToken);
  }
  check(grant);
  if (state.settings.refreshTokens === "reuse") {
    if (reuseAnswer === "nothing") return { grant };
    return { grant, next: reuseAnswer === "the same" ? presented : nextRefreshToken(state, grant, 0) };
  }
  token.uses++;
  token.replacedAt ??= state.clock.now();
  return { grant, next: nextRefreshToken(state, grant, token.generation + 1) };
}

/** Ends everything that came from the grants that `which` picks. */
export function revokeGrants(state: State, which: (grant: Grant) => boolean): void {
  for (const grant of state.grants.values()) if (which(grant)) grant.revoked = true;
}

function isReplay(state: State, token: IssuedRefreshToken): boolean {
  const { refreshTokens, graceSeconds, maxReuse } = state.settings;
  if (token.replacedAt === undefined) return false;
  if (refreshTokens === "rotate-strict") return token.uses > maxReuse;
  const inGrace = state.clock.now() - token.replacedAt <= graceSeconds * 1000;
  return !inGrace || token.generation !== token.grant.generation - 1;
}

function nextRefreshToken(state: State, grant: Grant, generation: number): string {
  const token = randomText(32);
  const expiresAt = state.clock.now() + state.settings.refreshTokenLifetime * 1000;
  grant.generation = Math.max(grant.generation, generation);
  state.refreshTokens.set(token, { grant, generation, expiresAt, uses: 0 });
  return token;
}

function dead(state: State): Response {
  return refusal("invalid_grant", state.flavor.texts.deadRefreshToken);
}
