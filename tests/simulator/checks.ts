/** The invariants of the refresh protocol (I1 to I10), checked while it runs. */

import { fingerprint } from "../../lib/session/refresh_attempt.ts";
import type { Verdict } from "../../lib/session/refresh_events.ts";
import type { Session, Token } from "./client.ts";
import { type Cause, type Request, type Server, UNKNOWABLE } from "./server.ts";
import type { World } from "./world.ts";

/** One wish for a token, as far as the checks look at it. */
export interface Wish {
  readonly asked: string;
  readonly startedAt: number;
  /** Whether the caller called what it had bad when it began. */
  readonly force: boolean;
  readonly judge: (token: Token) => Verdict;
}

export const NAME = "profile";

/** What watches a simulation. Each throws where an invariant is broken. */
export interface Checks {
  readonly counts: { refreshes: number; requests: number; repeated: number; revoked: Record<Cause, number> };
  /** The session as it is stored. */
  session(): Session | undefined;
  /** A session is about to be written; the returned function says that it was. */
  writing(text: string): () => void;
  /** A session was read. */
  read(text: string): void;
  /** A request is about to be sent. */
  presenting(wish: Wish, refreshToken: string): void;
  /** An attempt or a session with these words in it is durable. */
  durable(text: string): void;
  /** An answer is about to be read. */
  interpreting(logged: boolean): void;
  delivered(wish: Wish, token: Token): void;
  revoked(cause: Cause | undefined, request: Request): void;
  /** Called after each step. */
  step(): void;
}

const TOKEN = /(?<=")rt-\d+(?=")/g;

/** What is kept now, as whoever reads next would see it. */
export interface Records {
  session(): string | undefined;
  attempt(): string | undefined;
  /** The access token that was asked for so, unless it is of another sign-in. */
  token(asked: string): string | undefined;
  /** Counts what changed. */
  changes(): number;
}

/** Makes the checks of one simulation. */
export function makeChecks(world: World, server: () => Server, records: () => Records): Checks {
  const revoked = { death: 0, "lost answer": 0, zombie: 0, conflict: 0, "full disk": 0, "store down": 0 };
  const counts = { refreshes: 0, requests: 0, repeated: 0, revoked };
  /** The sessions that somebody wrote or tried to, from the last one that is certain. */
  let writes: string[] = [];
  const committed = new Set<string>();
  /** The refresh token that was received last, of those that are durable. */
  let newest: { readonly refreshToken: string; readonly heardAt: number } | undefined;
  let changesSeen = -1;

  function violated(invariant: string, what: string): never {
    throw new Error(`${invariant}: ${what}`);
  }

  function session(): Session | undefined {
    const text = records().session();
    return text === undefined ? undefined : JSON.parse(text);
  }

  function cached({ asked, judge }: Wish): Verdict {
    try {
      const text = records().token(asked);
      return text === undefined ? "useless" : judge(JSON.parse(text));
    } catch {
      return "useless";
    }
  }

  function checkSent(request: Request, refreshToken: string): void {
    const { sender, heard, answer, fate, durable, unwritable } = request;
    if (!sender.dead && !heard) {
      violated("I1", `${refreshToken} is presented while ${sender.name} waits for its answer`);
    }
    const successor = typeof answer === "object" ? answer.refreshToken ?? refreshToken : refreshToken;
    const came = heard && (fate === "answered" || fate === "spoiled");
    if (!came || successor === refreshToken) return;
    // what is left of a family that the server has ended can end nothing
    if (server().familyOf(refreshToken)!.revoked) return;
    if (durable || !(sender.dead || unwritable)) {
      violated("I1", `${refreshToken} is presented again although ${successor} was received`);
    }
  }

  const checks: Checks = {
    counts,
    session,
    writing: (text) => {
      writes.push(text);
      return () => {
        writes = writes.slice(writes.lastIndexOf(text));
        for (
          const token of [JSON.parse(text)].flatMap((
            one: Session,
          ) => [one.refreshToken, ...one.alternatives ?? []])
        ) {
          if (token) committed.add(token);
        }
      };
    },
    read: (text) => {
      if (!writes.includes(text)) {
        violated("I5", "a session was read that nobody wrote, or that was replaced");
      }
    },
    presenting: (wish, refreshToken) => {
      counts.requests++;
      const family = server().familyOf(refreshToken)!;
      if (family.conflict) return;
      const stored = session();
      if (stored?.refreshToken !== refreshToken) {
        violated("I2", `${refreshToken} is presented where ${stored?.refreshToken} is stored`);
      }
      if (!records().attempt()?.includes(fingerprint(refreshToken))) {
        violated("I6", `${refreshToken} is presented without an announcement`);
      }
      const { rotation } = stored;
      const verdict = cached(wish);
      if (verdict === "good") violated("I9", `${refreshToken} is presented although there is a good token`);
      const before = server().sentWith(refreshToken);
      if (before.length > 0 && rotation !== "steady") counts.repeated++;
      for (const request of before) checkSent(request, refreshToken);
      const unresolved = before.some(({ fate, heard, sender }) =>
        UNKNOWABLE.includes(fate) || (sender.dead && !heard)
      );
      if (unresolved && verdict === "due" && rotation === "strict") {
        violated(
          "I7",
          `${refreshToken} is presented blindly, with a token at hand, to a server known to be strict`,
        );
      }
    },
    durable: (text) => {
      for (const [refreshToken] of text.matchAll(TOKEN)) {
        const request = server().broughtBy(refreshToken);
        if (!request || request.durable) continue;
        request.durable = true;
        counts.refreshes++;
        if (!newest || newest.heardAt <= request.endsAt) newest = { refreshToken, heardAt: request.endsAt };
      }
    },
    interpreting: (logged) => {
      if (!logged) violated("I3", "an answer is read before it is written down");
    },
    delivered: ({ startedAt, force }, token) => {
      const now = world.now();
      if (!committed.has(token.refreshToken)) {
        violated("I4", `a token is handed out before ${token.refreshToken} is committed`);
      }
      if (token.expiresAt <= now) violated("I10", "a token is handed out that has ended");
      if (force && token.requestedAt < startedAt) {
        violated("I10", "a token is handed out that was called bad");
      }
    },
    revoked: (cause, request) => {
      if (!cause) {
        violated("I7", `request ${request.number} of ${request.sender.name} ended the sign-in for no reason`);
      }
      revoked[cause]++;
      world.trace(`server: the family is revoked (${cause})`);
    },
    step: () => {
      if (changesSeen === records().changes()) return;
      changesSeen = records().changes();
      const text = records().session();
      if (text === undefined) return writes.length > 0 ? violated("I5", "the session is gone") : undefined;
      if (!writes.includes(text)) {
        violated("I5", "the session is one that was replaced, or that nobody wrote");
      }
      if (!newest) return;
      const { refreshToken } = newest;
      const stored: Session = JSON.parse(text);
      if (server().familyOf(refreshToken)!.signedInAt !== stored.signedInAt) return;
      // one that came later will do: whoever wrote it may have died before it could say so
      const isThere = (one: string | undefined) =>
        one === refreshToken ||
        (one !== undefined && (server().broughtBy(one)?.endsAt ?? 0) > newest!.heardAt);
      if ([stored.refreshToken, ...stored.alternatives ?? []].some(isThere)) return;
      if (records().attempt()?.match(TOKEN)?.some(isThere)) return;
      const refused = server().sentWith(refreshToken).some(({ answer, heard }) =>
        heard && answer === "invalid_grant"
      );
      if (!refused) violated("I3", `${refreshToken}, received last, is nowhere`);
    },
  };
  return checks;
}
