/**
 * How soon somebody takes over on a store from who was killed in the middle of a refresh.
 *
 * @module
 */

import { serve } from "../../../tests/security/served.ts";
import { startSharedProcess } from "../../../tests/session/shared_process.ts";

/** More than the life of a token, in seconds. */
const LIFE = 301;

/**
 * Kills a process while the server works on its request, again and again.
 *
 * @param socket of a Redis server
 * @param refreshTokens whether the server is one that keeps its refresh tokens, or one that replaces them
 * @returns until the request of another process, which has been waiting for the lease, is there, in milliseconds
 */
export async function storeTakeOver(
  socket: string,
  refreshTokens: "reuse" | "rotate-strict",
  deaths: number,
): Promise<number[]> {
  const { server, origin, intercept, close } = await serve({ refreshTokens });
  let gone = 0;
  const start = (runtime: "bun" | "node") =>
    startSharedProcess(runtime, { kind: "ioredis", place: socket, issuer: origin, aheadBy: gone });
  const heir = await start("node");
  const times: number[] = [];
  try {
    await heir.save(await server.issue({ scope: "a" }));
    // the first refresh shows what the server does with them
    gone += LIFE;
    await heir.get(1, LIFE);
    for (let death = 0; death < deaths; death++) {
      const owner = await start("bun");
      let requests = 0;
      let arrived: () => void = () => {};
      const next = () => new Promise<void>((resolve) => arrived = resolve);
      intercept(({ url }) => {
        if (!url.pathname.endsWith("/token")) return undefined;
        arrived();
        return ++requests > 1 ? undefined : new Promise<undefined>(() => {});
      });
      gone += LIFE;
      const owners = next();
      owner.get(1, LIFE).catch(() => {});
      await owners;
      const heirs = next();
      const waiting = heir.get(1, LIFE);
      // until it waits for the lease
      await new Promise((resolve) => setTimeout(resolve, 500));
      const begun = performance.now();
      await owner.kill();
      await heirs;
      times.push(performance.now() - begun);
      const { errors } = await waiting;
      if (errors.length > 0) throw new Error(`Who took over got: ${errors.join(", ")}`);
    }
  } finally {
    await heir.kill();
    await close();
  }
  return times;
}
