/** What the tests of the protocol share. */

import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { inspect } from "node:util";
import { isTokenError, type TokenError } from "../../lib/errors.ts";
import type { Fetch } from "../../lib/http/http.ts";
import type { Client } from "../../lib/oauth/client.ts";
import { discover, type Issuer, issuerFromMetadata, type ServerMetadata } from "../../lib/oauth/issuer.ts";
import type { OptionalQuirk, QuirkName } from "../../lib/oauth/quirks.ts";
import {
  type AuthorizationServer,
  authorizationServer,
  type AuthorizationServerOptions,
} from "../../lib/testing/mod.ts";
import { type FakeClock, fakeClock } from "../fake_clock.ts";

/** The public client that the authorization server knows by itself. */
export const app: Client = { clientId: "app" };

/** An authorization server, and its issuer as the code under test sees it. */
export interface World {
  readonly server: AuthorizationServer;
  readonly issuer: Issuer;
  readonly clock: FakeClock;
  /** The leniencies that were met. */
  readonly met: QuirkName[];
}

/** Starts an authorization server and discovers it; the requests for that are forgotten. */
export async function world(
  options: AuthorizationServerOptions & { quirks?: readonly OptionalQuirk[] } = {},
): Promise<World> {
  const clock = fakeClock();
  const met: QuirkName[] = [];
  const server = await authorizationServer({ clock, ...options });
  const { fetch } = server;
  const onQuirk = (name: QuirkName) => void met.push(name);
  const issuer = await discover(server.issuer, { fetch, clock, onQuirk, quirks: options.quirks });
  server.clearRequests();
  return { server, issuer, clock, met };
}

/**
 * Lets time pass, second by second. No second begins before the requests are answered, however long a signature really
 * takes; the first `skipped` requests need not be.
 */
export async function pass({ server, clock }: World, seconds: number, skipped = 0): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await clock.advance(1000);
    while (server.requests.slice(skipped).some(({ status }) => status === undefined)) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** One request that a stub saw. */
export interface Sent {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly form: URLSearchParams;
}

/** An issuer whose every answer the test writes. */
export interface Stub {
  readonly issuer: Issuer;
  readonly clock: FakeClock;
  readonly met: QuirkName[];
  /** The requests, in order. */
  readonly sent: Sent[];
}

/** What a stub answers to a request; the last of a list answers for ever. */
export type Reply = Response | Error | ((sent: Sent, signal?: AbortSignal) => Response | Promise<Response>);

/** Makes an issuer that answers with `replies`, one after the other. */
export function stub(
  replies: Reply | readonly Reply[],
  options: { metadata?: Partial<ServerMetadata>; clock?: FakeClock; quirks?: readonly OptionalQuirk[] } = {},
): Stub {
  const { clock = fakeClock(), quirks } = options;
  const left = [replies].flat() as Reply[];
  const sent: Sent[] = [];
  const met: QuirkName[] = [];
  const fetch: Fetch = async (url, init) => {
    const headers = new Headers(init.headers);
    const one = {
      url,
      method: init.method ?? "GET",
      headers,
      form: new URLSearchParams(String(init.body ?? "")),
    };
    sent.push(one);
    const reply = left.length > 1 ? left.shift()! : left[0];
    if (reply instanceof Error) throw reply;
    if (typeof reply === "function") return await reply(one, init.signal ?? undefined);
    return await again(reply);
  };
  const metadata = {
    issuer: "https://as.test",
    token_endpoint: "https://as.test/token",
    authorization_endpoint: "https://as.test/authorize",
    device_authorization_endpoint: "https://as.test/device_authorization",
    jwks_uri: "https://as.test/jwks",
    ...options.metadata,
  };
  const issuer = issuerFromMetadata(metadata, {
    fetch,
    clock,
    quirks,
    onQuirk: (name) => void met.push(name),
  });
  return { issuer, clock, met, sent };
}

const bodies = new WeakMap<Response, Promise<ArrayBuffer>>();

/** The same answer once more. (In Deno 2.9 the clone of a Response has lost its headers.) */
export async function again(reply: Response): Promise<Response> {
  const body = bodies.get(reply) ?? reply.arrayBuffer();
  bodies.set(reply, body);
  const { status } = reply;
  return new Response(reply.body && await body, { status, headers: new Headers(reply.headers) });
}

/** A JSON answer; a text is sent as it is. */
export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(typeof body === "string" ? body : JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}

/** A good answer of a token endpoint, changed. */
export function tokens(members: Record<string, unknown> = {}): Record<string, unknown> {
  return { access_token: "access-canary", token_type: "Bearer", expires_in: 300, ...members };
}

/** A request that is never answered; it ends when its signal says so. */
export function hang(_sent: Sent, signal?: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
}

/** The {@linkcode TokenError} with which something ends. */
export async function failureOf(work: Promise<unknown>): Promise<TokenError> {
  try {
    await work;
  } catch (error) {
    assert.ok(isTokenError(error), inspect(error));
    return error;
  }
  assert.fail("it succeeded");
}

/** The S256 challenge of a verifier (RFC 7636 section 4.2). */
export async function challengeOf(verifier: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  return btoa(String.fromCharCode(...new Uint8Array(hash)))
    .replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** Nobody who prints, logs or serialises `value` gets to see one of `secrets`. */
export function assertHides(value: unknown, ...secrets: (string | null | undefined)[]): void {
  const runtime = globalThis as {
    Deno?: { inspect(value: unknown, options: object): string };
    Bun?: { inspect(value: unknown, options: object): string };
  };
  const views = [
    inspect(value, { depth: Infinity, showHidden: true }),
    runtime.Deno?.inspect(value, { depth: 100, showHidden: true }),
    runtime.Bun?.inspect(value, { depth: 100 }),
    JSON.stringify(value),
    String(value),
    value instanceof Error ? `${value.message} ${value.stack}` : "",
  ].join("\n");
  for (const secret of secrets) {
    assert.ok(secret, "there is a secret to look for");
    for (const form of [secret, btoa(secret), encodeURIComponent(secret)]) {
      assert.ok(!views.includes(form), `"${form}" is to be seen in ${views}`);
    }
  }
}

/**
 * Whether something ends by itself, in whatever way: nothing has to come from outside for it, and no time to pass on the
 * clock of the test, which stands still. What another thread still computes for it, a hash, takes the time that it takes
 * on a busy machine.
 */
export async function endsAtOnce(work: Promise<unknown>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const end = () => true;
  const limit = new Promise<boolean>((resolve) => timer = setTimeout(() => resolve(false), 4000));
  try {
    return await Promise.race([work.then(end, end), limit]);
  } finally {
    clearTimeout(timer);
  }
}
