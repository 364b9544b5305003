/**
 * Many callers in one process who want the same thing at the same moment, whatever it is: how many requests they make,
 * and how long the last one waits.
 *
 * @module
 */

import {
  clientCredentials,
  clientSecretPost,
  discover,
  type Grant,
  type Issuer,
  tokenSource,
} from "../../../mod.ts";
import { verifyJwtSignature } from "../../../lib/oauth/jwt_signature.ts";
import { median } from "../measure.ts";
import { answer } from "./answer.ts";

/** What is asked of this program. */
export interface Question {
  /** The origin of the server. */
  readonly origin: string;
  readonly callers: number;
  readonly rounds: number;
}

/** What it answers, for each thing that is wanted. */
export type Answer = Record<string, { readonly requests: number; readonly time: number }>;

const options = { allowInsecureLoopback: true };
const client = { clientId: "service", authentication: clientSecretPost("service-secret") };

await answer<Question, Answer>(async ({ origin, callers, rounds }) => {
  const requests = async (endpoint: string): Promise<number> =>
    (await (await fetch(`${origin}/requests`)).json())[endpoint] ?? 0;

  /** `prepare` makes what one caller does. */
  async function measure(
    prepare: () => Promise<() => Promise<unknown>>,
    count: () => number | Promise<number>,
  ): Promise<{ requests: number; time: number }> {
    const counts: number[] = [];
    const times: number[] = [];
    for (let round = -1; round < rounds; round++) {
      const call = await prepare();
      const before = await count();
      const start = performance.now();
      await Promise.all(Array.from({ length: callers }, call));
      const time = performance.now() - start;
      const made = await count() - before;
      if (round < 0) continue;
      times.push(time);
      counts.push(made);
    }
    return { requests: Math.max(...counts), time: median(times) };
  }

  const issuer = await discover(origin, options);
  const fresh = (): Issuer => ({ ...issuer, metadata: { ...issuer.metadata } });
  const token = () => requests("token");
  let obtained = 0;
  const custom: Grant = {
    defaults: {},
    obtain: async () => {
      obtained++;
      await new Promise((resolve) => setTimeout(resolve, 50));
      const issuedAt = Date.now() / 1000;
      return { accessToken: "token", tokenType: "Bearer", issuedAt, expiresAt: issuedAt + 3600 };
    },
  };
  const { accessToken } = await tokenSource(issuer, client, clientCredentials()).get();
  return {
    "a token, nothing cached": await measure(async () => {
      const source = tokenSource(fresh(), client, clientCredentials());
      return await Promise.resolve(() => source.get());
    }, token),
    "a token, the cached one called bad": await measure(async () => {
      const source = tokenSource(fresh(), client, clientCredentials());
      await source.get();
      source.invalidate();
      return () => source.get();
    }, token),
    "discovery": await measure(
      () => Promise.resolve(() => discover(origin, options)),
      () => requests("discovery"),
    ),
    "the server's keys, and a signature each": await measure(() => {
      const one = fresh();
      return Promise.resolve(() => verifyJwtSignature(one, accessToken));
    }, () => requests("jwks")),
    "a grant of one's own": await measure(() => {
      const source = tokenSource(fresh(), client, custom);
      return Promise.resolve(() => source.get());
    }, () => obtained),
  };
});
