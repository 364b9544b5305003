// A Worker that shares a sign-in with others, in a Durable Object. Each request makes what it needs anew, as a Worker
// does; its body is a command as JSON. Bundled and run by stored_session_durable_object_test.ts.

import {
  type AccessToken,
  type Client,
  clientCredentials,
  clientSecretPost,
  discover,
  isTokenError,
  systemClock,
  tokenSource,
} from "../../../mod.ts";
import { storedSession, storedTokens } from "../../../lib/session/stores.ts";
import {
  type DurableObjectNamespace,
  durableObjectStore,
  TokenStoreObject,
} from "../../../lib/store/durable_object.ts";

interface Environment {
  readonly TOKENS: DurableObjectNamespace;
  readonly ISSUER: string;
}

interface Command {
  readonly what: "get" | "service" | "save";
  readonly callers?: number;
  /** By how many seconds its clock is ahead. */
  readonly aheadBy?: number;
  readonly accessToken?: string;
  readonly refreshToken?: string;
}

const app: Client = { clientId: "app" };
const service: Client = { clientId: "service", authentication: clientSecretPost("service-secret") };

const handler: {
  fetch(
    request: Request,
    env: Environment,
    context: { waitUntil(work: Promise<unknown>): void },
  ): Promise<Response>;
} = {
  fetch: async (request, env, context) => {
    const { what, callers = 1, aheadBy = 0, accessToken = "", refreshToken }: Command = await request.json();
    const clock = { ...systemClock, now: () => Date.now() + aheadBy * 1000 };
    const store = durableObjectStore(env.TOKENS, { deadline: 60_000 });
    const key = new Uint8Array(32).fill(7);
    const issuer = await discover(env.ISSUER, { allowInsecureLoopback: true, clock });
    const waitUntil = (work: Promise<unknown>) => context.waitUntil(work);
    const session = storedSession({ store, key, name: "catalogue", clock, waitUntil });
    if (what === "save") {
      const issuedAt = Math.floor(clock.now() / 1000);
      const tokens = { accessToken, refreshToken, tokenType: "Bearer", issuedAt, expiresAt: issuedAt + 300 };
      return Response.json({ saved: await session.save(issuer, app, tokens) });
    }
    const source = what === "get" ? tokenSource(issuer, app, session) : tokenSource(
      issuer,
      service,
      storedTokens(clientCredentials(), { store, key, name: "service", clock }),
    );
    const all = await Promise.allSettled(Array.from({ length: callers }, () => source.get()));
    const tokens = all.flatMap((one: PromiseSettledResult<AccessToken>) =>
      one.status === "fulfilled" ? one.value.accessToken : []
    );
    const errors = all.flatMap((one) =>
      one.status === "rejected" ? isTokenError(one.reason) ? one.reason.message : String(one.reason) : []
    );
    return Response.json({
      count: tokens.length,
      tokens: [...new Set(tokens)],
      errors: [...new Set(errors)],
    });
  },
};

export { handler as default, TokenStoreObject };
