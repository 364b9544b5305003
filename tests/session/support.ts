/** What the tests of sources share. */

import type { Client } from "../../lib/oauth/client.ts";
import { clientCredentials, type Grant } from "../../lib/session/grant.ts";
import { type TokenSource, tokenSource } from "../../lib/session/token_source.ts";
import { again, app, json, type Reply, type Sent, type Stub, stub } from "../oauth/support.ts";

/** A source at a server whose answers the test writes. */
export interface Place extends Stub {
  readonly source: TokenSource;
  /** How many token requests there were. */
  readonly count: () => number;
  /** From now on the server answers so; `undefined`: with a new token each time. */
  readonly answer: (reply?: Reply) => void;
}

/** How a {@linkcode Place} differs from the usual one. */
export interface PlaceOptions {
  /** Seconds that a token lives, or what the answer says instead. Default: 300. */
  readonly expiresIn?: unknown;
  readonly grant?: Grant;
  readonly client?: Client;
  /** Members of each good answer. */
  readonly members?: (sent: Sent, count: number) => Record<string, unknown>;
}

/** Makes a source; its tokens are `token-1`, `token-2`, … */
export function place(options: PlaceOptions = {}): Place {
  const { expiresIn = 300, grant = clientCredentials(), client = app, members } = options;
  let reply: Reply | undefined;
  let given = 0;
  const server: Stub = stub(async (sent, signal) => {
    if (reply instanceof Error) throw reply;
    if (typeof reply === "function") return await reply(sent, signal);
    if (reply) return await again(reply);
    given++;
    const answer = { access_token: `token-${given}`, token_type: "Bearer", expires_in: expiresIn };
    return json({ ...answer, ...members?.(sent, given) });
  });
  return {
    ...server,
    source: tokenSource(server.issuer, client, grant),
    count: () => server.sent.length,
    answer: (next) => void (reply = next),
  };
}

/** A reply that waits until the test lets it go. */
export function held(): {
  reply: Reply;
  asked: Promise<Sent>;
  release: (response: Response) => void;
  signal: () => AbortSignal;
} {
  const asked = Promise.withResolvers<Sent>();
  const response = Promise.withResolvers<Response>();
  let seen: AbortSignal | undefined;
  return {
    reply: (sent, signal) => {
      seen = signal;
      asked.resolve(sent);
      signal?.addEventListener("abort", () => response.reject(signal.reason));
      return response.promise;
    },
    asked: asked.promise,
    release: response.resolve,
    signal: () => seen!,
  };
}

/** A good answer with this access token. */
export function token(access_token: string, more: Record<string, unknown> = {}): Response {
  return json({ access_token, token_type: "Bearer", expires_in: 300, ...more });
}
