/**
 * What a store must promise before certain secrets may be kept in it.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import type { Store, StoreCapabilities } from "./store.ts";

/** Why each promise is needed, as the end of "this store …". */
const LACKS: readonly (readonly [promise: keyof StoreCapabilities, sentence: string])[] = [
  ["compareAndSet", "cannot refuse a write by somebody who has not seen the newest value"],
  ["durable", "may lose what it has acknowledged when the power fails"],
  ["strongRead", "may give an older value than the last that was written"],
];

/**
 * Refuses a store that cannot keep a refresh token which the server replaces at each use (RFC 9700 section 4.14.2).
 * Such a token exists once: an older copy of it, presented, ends the sign-in for everybody.
 *
 * @throws {TokenError} `unsupported` when the store lacks `compareAndSet`, `durable` or `strongRead`
 */
export function requireForRefreshTokens(store: Pick<Store, "capabilities">): void {
  const missing = LACKS.filter(([promise]) => !store.capabilities[promise]);
  if (missing.length === 0) return;
  const sentence = missing.map(([, sentence]) => sentence).join(", and ");
  const onlyDurable = missing.length === 1 && missing[0][0] === "durable";
  throw new TokenError(
    "unsupported",
    `Cannot keep a refresh token that the server replaces at each use: this store ${sentence}`,
    {
      nextStep: onlyDurable
        ? "Make it durable (Redis: `appendonly yes` and `appendfsync always`), or say that it is with `durable: true`"
        : "Keep the session in redisStore, denoKvStore, durableObjectStore or in files; access tokens alone may stay here",
    },
  );
}
