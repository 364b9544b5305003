/**
 * One attempt at one endpoint of a server that does something wrong there and behaves everywhere else.
 *
 * @module
 */

import assert from "node:assert/strict";
import { inspect } from "node:util";
import {
  authorizationRequest,
  type Client,
  clientSecretPost,
  deviceAuthorization,
  discover,
  type ErrorCode,
  type Fetch,
  generateSigningKey,
  type Issuer,
  issuerFromMetadata,
  isTokenError,
  type QuirkName,
  refreshTokenGrant,
  revokeToken,
  type ServerMetadata,
  signAssertion,
  type TokenError,
} from "../../mod.ts";
import { type Driven, driven } from "./driven.ts";
import { answer } from "./faults.ts";
import { type Script, startHostileServer } from "./server.ts";

/** Where something goes wrong. */
export const ENDPOINTS = ["discovery", "jwks", "token", "device", "par", "revocation"] as const;
export type Endpoint = typeof ENDPOINTS[number];

/** Endpoints that may be asked again: nothing is used up by that. */
export const REPEATABLE: readonly Endpoint[] = ["discovery", "jwks"];

const PATHS: Readonly<Record<Endpoint, readonly string[]>> = {
  discovery: ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"],
  jwks: ["/jwks"],
  token: ["/token"],
  device: ["/device"],
  par: ["/par"],
  revocation: ["/revoke"],
};

/** The member of the metadata that says where an endpoint is. */
const MEMBERS: Readonly<Record<Endpoint, string>> = {
  discovery: "nowhere",
  jwks: "jwks_uri",
  token: "token_endpoint",
  device: "device_authorization_endpoint",
  par: "pushed_authorization_request_endpoint",
  revocation: "revocation_endpoint",
};

/** What nobody may get to see. */
export const SECRETS = ["client-secret-canary", "refresh-token-canary"] as const;

/** What somebody else wrote and nobody is shown: a page that stands in an answer's place. */
export const FOREIGN = "foreign words";

/** How an attempt ended. */
export interface Outcome {
  readonly error?: TokenError;
  /** Of what was gained: the issuer, the tokens, … */
  readonly value?: unknown;
  /** How many requests came to the endpoint. */
  readonly requests: number;
  /** The seconds between them. */
  readonly pauses: readonly number[];
  /** How long it took by the clock of the client, in seconds. */
  readonly seconds: number;
  /** The leniencies that were met. */
  readonly met: readonly QuirkName[];
  /** The refresh tokens that the client was told to keep. */
  readonly kept: readonly string[];
}

const signingKey = generateSigningKey();
const client: Client = { clientId: "app", authentication: clientSecretPost(SECRETS[0]) };

/** The right answer of an endpoint, as JSON. */
export async function goodAnswer(endpoint: Endpoint, origin: string, now: number): Promise<string> {
  const key = await signingKey;
  switch (endpoint) {
    case "discovery":
      return JSON.stringify(metadataOf(origin));
    case "jwks":
      return JSON.stringify({ keys: [key.publicJwk] });
    case "token":
      return JSON.stringify({
        access_token: "access",
        token_type: "Bearer",
        expires_in: 300,
        refresh_token: "next",
        id_token: await signAssertion(key, {
          issuer: origin,
          subject: "ada",
          audience: "app",
          now: now / 1000,
        }),
      });
    case "device": {
      const page = `${origin}/page`;
      return JSON.stringify({
        device_code: "code",
        user_code: "ABCD",
        verification_uri: page,
        expires_in: 600,
      });
    }
    case "par":
      return JSON.stringify({ request_uri: "urn:pushed", expires_in: 60 });
    case "revocation":
      return "{}";
  }
}

function metadataOf(origin: string) {
  return {
    issuer: origin,
    token_endpoint: `${origin}/token`,
    jwks_uri: `${origin}/jwks`,
    authorization_endpoint: `${origin}/authorize`,
    device_authorization_endpoint: `${origin}/device`,
    pushed_authorization_request_endpoint: `${origin}/par`,
    revocation_endpoint: `${origin}/revoke`,
    id_token_signing_alg_values_supported: ["ES256"],
  };
}

/** What goes wrong: a script, made when the server is there. */
export type Fault = (there: {
  readonly origin: string;
  readonly driven: Driven;
  /** The right answer, as JSON. */
  readonly good: () => Promise<string>;
}) => Script;

export interface AttemptOptions {
  /** The origin at which the endpoint is said to be, with the port of the server for `PORT`. Default: the server's own. */
  readonly at?: string;
  /** What sends the requests. Default: the runtime's. */
  readonly fetch?: Fetch;
}

/** Tries an endpoint. However it ends, it ends soon, with one of our errors or none, and nothing leaks out of that. */
export async function attempt(
  endpoint: Endpoint,
  fault: Fault,
  { at, fetch }: AttemptOptions = {},
): Promise<Outcome> {
  const clocked = driven({ fetch });
  const { clock, http, run } = clocked;
  const times: number[] = [];
  const routes: Record<string, Script> = {};
  const server = await startHostileServer({ routes });
  const there = at?.replace("PORT", String(server.port));
  const origin = endpoint === "discovery" ? there ?? server.origin : server.origin;
  const metadata: ServerMetadata = {
    ...metadataOf(origin),
    ...(there ? { [MEMBERS[endpoint]]: there + PATHS[endpoint][0] } : {}),
  };
  const good = (of: Endpoint) => goodAnswer(of, origin, clock.now());
  for (const one of ENDPOINTS) {
    const right: Script = async (connection) => await json(await good(one))(connection);
    const script = one === endpoint ? fault({ origin, driven: clocked, good: () => good(one) }) : right;
    for (const path of PATHS[one]) {
      routes[path] = (connection) => {
        if (one === endpoint) times.push(clock.now());
        return script(connection);
      };
    }
  }
  const met: QuirkName[] = [];
  const kept: string[] = [];
  const options = { ...http, onQuirk: (name: QuirkName) => void met.push(name) };
  const issuer = endpoint === "discovery" ? undefined : issuerFromMetadata(metadata, options);
  const [started, began] = [clock.now(), performance.now()];
  let end: { error?: TokenError; value?: unknown };
  try {
    const work = issuer ? use(issuer, endpoint, kept) : discover(origin, options);
    end = { value: await run(work) };
  } catch (error) {
    end = { error: harmless(error) };
  } finally {
    await server.close();
  }
  // by the machine's clock: a name that nobody knows may take the machine's resolver some seconds
  assert.ok(performance.now() - began < 60_000, "it hung");
  assertUnpolluted();
  return {
    ...end,
    met,
    kept,
    requests: times.length,
    pauses: times.slice(1).map((time, index) => (time - times[index]) / 1000),
    seconds: (clock.now() - started) / 1000,
  };
}

async function use(issuer: Issuer, endpoint: Endpoint, kept: string[]): Promise<unknown> {
  switch (endpoint) {
    case "device":
      return await deviceAuthorization(issuer, client);
    case "par":
      return await authorizationRequest(issuer, client, {
        redirectUri: "http://127.0.0.1/callback",
        pushed: true,
      });
    case "revocation":
      return await revokeToken(issuer, client, SECRETS[1]);
    default:
      return await refreshTokenGrant(issuer, client, {
        refreshToken: SECRETS[1],
        onRefreshToken: (token) => void kept.push(token),
      });
  }
}

/** An error of ours that shows neither our secrets nor what somebody else wrote, and not much of anything. */
function harmless(error: unknown): TokenError {
  assert.ok(isTokenError(error), inspect(error));
  const views = [error.message, error.stack, inspect(error, { showHidden: true }), JSON.stringify(error)]
    .join("\n");
  for (const hidden of [...SECRETS, FOREIGN]) assert.ok(!views.includes(hidden), views);
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(error.message, /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]/);
  assert.ok(error.message.length <= 450 && (error.serverDescription ?? "").length <= 200, error.message);
  assert.equal(error.cause, undefined);
  return error;
}

function assertUnpolluted(): void {
  assert.deepEqual(Object.keys(Object.prototype), []);
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
  assert.equal(([] as unknown as Record<string, unknown>).polluted, undefined);
}

/** A proper JSON answer. */
export function json(body: string | Uint8Array, status = 200, ...headers: string[]): Script {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return answer({ status, headers: ["content-type: application/json", ...headers], body: bytes });
}

/** What has to come of an attempt. */
export interface Expectation {
  /** The codes that an error may have; `good` for none. Default: `invalid_response`. */
  readonly code?: ErrorCode | "good" | readonly (ErrorCode | "good")[];
  readonly message?: RegExp;
  readonly nextStep?: RegExp;
  readonly serverError?: string;
  /** Whether the request may have arrived. Default: true. */
  readonly sent?: boolean;
  readonly retryAfter?: number;
  /** How many requests there may be at the most. Default: 1. */
  readonly requests?: number;
}

/** Checks how an attempt ended. */
export function assertOutcome({ error, requests }: Outcome, expected: Expectation): void {
  const { code = "invalid_response", message, nextStep, serverError, retryAfter } = expected;
  assert.ok([code].flat().includes(error?.code ?? "good"), `${error?.code ?? "good"}: ${error?.message}`);
  assert.equal(requests, expected.requests ?? 1, "requests");
  if (!error) return;
  if (message) assert.match(error.message, message);
  if (nextStep) assert.match(error.nextStep ?? "", nextStep);
  if (serverError !== undefined) assert.equal(error.serverError, serverError);
  if ("retryAfter" in expected) assert.equal(error.retryAfter, retryAfter);
  assert.equal(error.sent, "sent" in expected ? expected.sent : true, "sent");
}
