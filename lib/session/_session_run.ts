/**
 * One caller's run of the refresh protocol for a sign-in that many processes share: how its refresh token is presented
 * under a lease, and what of it is believed.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { TokenError } from "../errors.ts";
import { givenUp } from "../http/abort.ts";
import { type Client, issuerFor } from "../oauth/client.ts";
import type { Issuer } from "../oauth/issuer.ts";
import type { Lease, Store } from "../store/store.ts";
import { commonPorts, type Run } from "./_stored_run.ts";
import { type StoredToken, storedToken, type TokenShelf, type Wish } from "./_stored_token.ts";
import type { GrantRequest } from "./grant.ts";
import { interpret, present } from "./refresh_exchange.ts";
import { decodeSession, encodeSession, type Session } from "./session.ts";
import { storeDriver } from "./store_driver.ts";

/** Where a sign-in is. */
export interface SessionGround {
  readonly name: string;
  readonly sessions: Store;
  readonly attempts: Store;
  readonly shelf: TokenShelf;
  /** Asks for the right to renew it. */
  readonly lease: (milliseconds: number) => Promise<Lease | undefined>;
  readonly clock: Clock;
  /** Makes sure of the key. */
  readonly prepare: () => Promise<void>;
}

/** One caller's run: what the refresh protocol stands on for it. */
export function sessionRun(
  ground: SessionGround,
  request: GrantRequest,
  asked: string,
  wish: Wish,
  losses: number,
): Run<Session> {
  const { name, sessions, shelf, lease, clock } = ground;
  const { issuer: given, client, minValidity: _1, force: _2, signal, ...parameters } = request;
  const reached = { issuer: issuerFor(given, client), client };
  const exchange = reached.issuer.http.timeout;
  const driver = storeDriver({ sessions, lease, clock, exchange, losses });
  const keep = (token: StoredToken) => shelf.keep(token);
  /** Whether what was noted last is written down: after a presentation, that is its answer. */
  let isLogged = false;
  return {
    driver,
    ports: {
      ...commonPorts({ driver, clock, wish, keep, signal }),
      name,
      sessions: driver.sessions,
      attempts: {
        ...ground.attempts,
        compareAndSet: async (...record) => {
          const version = await ground.attempts.compareAndSet(...record);
          isLogged = version !== undefined;
          return version;
        },
      },
      encode: encodeSession,
      decode: (bytes) => belongingTo(decodeSession(bytes), reached.issuer, client, name),
      readToken: () => tokenOfNow(ground, asked),
      prepare: async () => {
        if (signal?.aborted) throw givenUp(false);
        await ground.prepare();
        await driver.secure(false);
      },
      present: async (session) => {
        isLogged = false;
        try {
          await driver.secure(mustNotRepeat(session));
        } catch (error) {
          // nothing is spent
          return { is: "refused", error: error as TokenError };
        }
        return await present(reached, { ...parameters, refreshToken: session.refreshToken! }, asked);
      },
      interpret: async (raw, session) => {
        const { signedInAt } = session;
        const [event] = await Promise.all([
          interpret(
            reached,
            session,
            raw,
            (token, { asked, sentAt }) => storedToken(token, { asked, requestedAt: sentAt, signedInAt }),
          ),
          isLogged && driver.received(),
        ]);
        return inOrder(event, session);
      },
      obtain: () => Promise.reject(new TokenError("internal", "A session obtains nothing by itself")),
    },
  };
}

/** The token for a wish, if it comes from the sign-in that is there now. */
async function tokenOfNow(
  { name, sessions, shelf }: SessionGround,
  asked: string,
): Promise<StoredToken | undefined> {
  const [token, session] = await Promise.all([shelf.read(asked), sessions.read(name)]);
  const isOfNow = token && session && decodeSession(session.value).signedInAt === token.signedInAt;
  return isOfNow ? token : undefined;
}

/**
 * A session of the same client at the same issuer.
 *
 * @throws {TokenError} `invalid_argument`
 */
function belongingTo(session: Session, { issuer }: Issuer, { clientId }: Client, name: string): Session {
  if (session.issuer === issuer && session.clientId === clientId) return session;
  throw new TokenError(
    "invalid_argument",
    `Cannot use the session "${name}": it is of the client "${session.clientId}" at ${session.issuer}`,
    { nextStep: "Give each client's session a name of its own" },
  );
}

/** Whether a second presentation of its refresh token may end the sign-in. */
export function mustNotRepeat({ rotation }: Pick<Session, "rotation">): boolean {
  return rotation !== "steady" && rotation !== "grace";
}

/** Of two sessions the later one must say so, whatever the clocks of those who received them say. */
function inOrder<E extends { readonly is: string }>(event: E, { receivedAt = 0 }: Session): E {
  const later = (kept: Session): Session => ({
    ...kept,
    receivedAt: Math.max(kept.receivedAt ?? 0, receivedAt + 1),
  });
  const { kept, found } = event as { kept?: Session; found?: { kept: Session } };
  if (kept) return { ...event, kept: later(kept) };
  return found ? { ...event, found: { ...found, kept: later(found.kept) } } : event;
}
