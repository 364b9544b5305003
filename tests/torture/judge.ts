/**
 * Whose fault it is that a server ended a sign-in: judged from the server's log, the client's records, and who was
 * killed when. Pure.
 *
 * @module
 */

/** A process that presented a refresh token. */
export interface Sender {
  /** For people. */
  readonly name: string;
  /** In epoch milliseconds; absent for one that was not killed. */
  readonly killedAt?: number;
  /** Where it was when it was killed. */
  readonly step?: string;
}

/** A refresh token that reached the server. */
export interface Presentation {
  readonly request: number;
  readonly token: string;
  readonly sender: Sender;
  /** In epoch milliseconds, both. */
  readonly arrivedAt: number;
  readonly carriedOutAt: number;
  /** The refresh token in the answer. */
  readonly next?: string;
  /** Whether it ended the sign-in. */
  readonly revoked?: boolean;
}

/** What became of a sign-in, and why. */
export interface Verdict {
  /** Nothing where nobody but this package is to blame. */
  readonly cause?: "death" | "late request";
  readonly words: string;
}

/**
 * Why the second use of a refresh token ended a sign-in.
 *
 * @param presentations all that reached the server
 * @param isDurable whether the client had this refresh token in its records, or acted as if it had
 */
export function judge(
  revoking: Presentation,
  presentations: readonly Presentation[],
  isDurable: (token: string) => boolean,
): Verdict {
  const { token, sender, request } = revoking;
  const again = `request ${request} of ${sender.name} presented ${token} again`;
  const uses = presentations.filter((one) =>
    one.token === token && one.next !== undefined && one.carriedOutAt <= revoking.carriedOutAt &&
    one.request !== request
  );
  if (uses.length === 0) {
    return { words: `request ${request} of ${sender.name}: refused, and nobody used ${token}` };
  }
  // a dead sender's request can be overtaken on its way by whoever took over
  const first = Math.min(...uses.map((use) => use.arrivedAt));
  if (sender.killedAt !== undefined && sender.killedAt <= first) {
    return { cause: "late request", words: `${again}, late: it had been killed at ${sender.step}` };
  }
  for (const use of uses) {
    const before = `${again}, after request ${use.request} of ${use.sender.name}`;
    if (isDurable(use.next!)) return { words: `${before}, whose answer ${use.next} was durable` };
    const { killedAt, step } = use.sender;
    if (killedAt === undefined) return { words: `${before}, which was never killed` };
    if (killedAt > revoking.arrivedAt) return { words: `${before}, which was still alive then` };
    if (use === uses.at(-1)) {
      return { cause: "death", words: `${before}, killed at ${step} before its answer was durable` };
    }
  }
  throw new Error("unreachable");
}
