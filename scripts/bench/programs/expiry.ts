/**
 * One caller who asks again and again: how many requests a token's life costs.
 *
 * @module
 */

import { answer } from "./answer.ts";
import { libraries, requestsTo } from "./clients.ts";

/** What is asked of this program. */
export interface Question {
  /** The origin of the token server. */
  readonly origin: string;
  /** `expires_in` of each token, in seconds, or `none`. */
  readonly lifetime: string;
  readonly calls: number;
  /** How long the caller waits between two calls, in milliseconds. */
  readonly pause: number;
}

/** The token requests of each library that keeps tokens. */
export type Answer = Record<string, number>;

await answer<Question, Answer>(async ({ origin, lifetime, calls, pause }) => {
  const keepers = Object.entries(libraries).filter(([, { keeps }]) => keeps);
  const counts = keepers.map(async ([who, library], index) => {
    const issuer = `${origin}/${index}-${calls}-${pause}/0/${lifetime}`;
    const client = await library.make(issuer);
    for (let call = 0; call < calls; call++) {
      if (call > 0 && pause > 0) {
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
      await client.get();
    }
    // a renewal in the background counts too
    await new Promise((resolve) => setTimeout(resolve, 100));
    return [who, await requestsTo(issuer)];
  });
  return Object.fromEntries(await Promise.all(counts));
});
