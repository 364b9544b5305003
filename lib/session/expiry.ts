/**
 * When a token is renewed: right for tokens that live 60 seconds and for tokens that live 30 days.
 *
 * @module
 */

/** The two points in a token's life that matter, in epoch seconds. */
export interface Thresholds {
  /** From here on it is renewed when there is a chance; until the hard point it is still handed out. */
  readonly soft: number;
  /** From here on it is renewed before it is handed out, as long as that works. */
  readonly hard: number;
}

/** The longest time before its end at which a token is renewed, in seconds, and the part of its life. */
const SOFT_MARGIN = 300;
const SOFT_PART = 0.2;
const HARD_MARGIN = 10;
const HARD_PART = 0.05;
/** How far the soft point moves towards the hard one at random, so that many machines do not ask at once. */
const JITTER = 0.1;

/**
 * @param issuedAt epoch seconds
 * @param expiresAt epoch seconds
 * @param random from 0 to 1, for the jitter
 */
export function thresholds(issuedAt: number, expiresAt: number, random = 0): Thresholds {
  const life = Math.max(expiresAt - issuedAt, 0);
  const hard = Math.min(HARD_MARGIN, life * HARD_PART);
  const soft = Math.min(SOFT_MARGIN, life * SOFT_PART);
  return { soft: expiresAt - soft + (soft - hard) * JITTER * random, hard: expiresAt - hard };
}
