/**
 * The authorization server of the torture, in a process of its own: prints its issuer, then one line of JSON for each
 * event, and runs until its standard input ends. The same lines are in its log before anything else happens.
 *
 * After `arrived`, `rotated` and `refused` it waits for the number of the request on standard input.
 *
 * @module
 */

import { fsyncSync, openSync, writeSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { type IncomingRequest, serve } from "../security/served.ts";
import { nameOf, type ServerEvent, type ServerSettings } from "./server_events.ts";

type Unstamped<E> = E extends ServerEvent ? Omit<E, "at"> : never;

const { log, life, grace }: ServerSettings = JSON.parse(process.argv[2]);
const file = openSync(log, "a", 0o600);
const waiting = new Map<number, () => void>();
let requests = 0;

function tell(event: Unstamped<ServerEvent>): void {
  const line = JSON.stringify({ at: Date.now(), ...event }) + "\n";
  writeSync(file, line);
  fsyncSync(file);
  process.stdout.write(line);
}

/** Tells, and waits until whoever reads it has done what it wanted to do at this moment. */
async function tellAndWait(event: Unstamped<ServerEvent> & { request: number }): Promise<void> {
  const told = new Promise<void>((resolve) => waiting.set(event.request, resolve));
  tell(event);
  await told;
}

const { server, origin, intercept } = await serve({
  refreshTokens: grace > 0 ? "rotate-grace" : "rotate-strict",
  graceSeconds: grace,
  accessTokenLifetime: life,
});

const revoked = () => server.families.filter((family) => family.revoked).length;

let turn: Promise<unknown> = Promise.resolve();

/** Carries out one request after the other, so that of two it is the right one that is seen to end a sign-in. */
function alone(pass: () => Promise<Response>): Promise<{ answer: Response; ended: boolean }> {
  const mine = turn.then(async () => {
    const before = revoked();
    return { answer: await pass(), ended: revoked() > before };
  });
  turn = mine.catch(() => {});
  return mine;
}

async function refresh(
  { port, answered }: IncomingRequest,
  refreshToken: string,
  pass: () => Promise<Response>,
): Promise<Response> {
  const request = ++requests;
  const token = nameOf(refreshToken);
  await tellAndWait({ event: "arrived", request, token, port });
  const { answer, ended } = await alone(pass);
  const { error, refresh_token: next, access_token: access } = await answer.clone().json();
  if (answer.ok) {
    await tellAndWait({ event: "rotated", request, token, next: nameOf(next), access: nameOf(access) });
  } else await tellAndWait({ event: "refused", request, token, error, revoked: ended });
  answered.then((whole) => tell({ event: whole ? "answered" : "unheard", request }));
  // nobody reads them, and a long torture makes many
  server.clearRequests();
  return answer;
}

intercept(async (request, pass) => {
  if (!request.url.pathname.endsWith("/token")) return undefined;
  const refreshToken = new URLSearchParams(request.body).get("refresh_token");
  if (refreshToken !== null) return await refresh(request, refreshToken, pass);
  const answer = await pass();
  const { refresh_token: next } = await answer.clone().json();
  if (next) tell({ event: "signed in", next: nameOf(next) });
  return answer;
});

process.stdout.write(`${origin}\n`);
createInterface({ input: process.stdin }).on("line", (line) => {
  const request = Number(line);
  waiting.get(request)?.();
  waiting.delete(request);
}).on("close", () => process.exit(0));
