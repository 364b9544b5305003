/**
 * What the tests of the requirements share. They see the package as its users do: through `mod.ts`, through the server of
 * `@apex/token/testing`, and through the command line.
 *
 * @module
 */

import assert from "node:assert/strict";
import { decoded } from "../jwt.ts";
import {
  type AuthorizationParameters,
  authorizationRequest,
  type Client,
  clientCredentials,
  clientSecretBasic,
  type ErrorCode,
  type TokenError,
  type TokenSet,
  tokenSource,
} from "../../mod.ts";
import type { Decision } from "../../lib/testing/mod.ts";
import { failureOf, json, type Sent, stub, tokens, type World } from "../oauth/support.ts";

export { failureOf, json, type Sent, stub, tokens, type World, world } from "../oauth/support.ts";

/** The public client that the authorization server knows by itself, and the confidential one. */
export const app: Client = { clientId: "app" };
export const service: Client = { clientId: "service", authentication: clientSecretBasic("service-secret") };

/** Where the browser comes back to; nobody listens there. */
export const REDIRECT = "http://127.0.0.1:49152/callback";

/** A sign-in with a browser, from the request to the tokens. */
export async function signIn(
  { issuer, server }: World,
  options: Partial<AuthorizationParameters> & { readonly client?: Client; readonly decision?: Decision } = {},
): Promise<TokenSet> {
  const { client = app, decision, ...parameters } = options;
  const request = await authorizationRequest(issuer, client, {
    redirectUri: REDIRECT,
    scope: "openid",
    ...parameters,
  });
  return await request.redeem(await server.authorize(request.url, decision));
}

/** A sign-in on whose way somebody replaces the ID token. */
export async function signInWithIdToken(
  there: World,
  replace: (idToken: string) => string | Promise<string>,
  client?: Client,
): Promise<TokenSet> {
  const fetch: typeof there.server.fetch = async (url, init) => {
    const answer = await there.server.fetch(url, init);
    if (!String(url).endsWith("/token")) return answer;
    const members = await answer.json();
    return json({ ...members, id_token: await replace(members.id_token) });
  };
  const issuer = { ...there.issuer, http: { ...there.issuer.http, fetch } };
  return await signIn({ ...there, issuer }, { client });
}

/** A JWT under another header, signed by whoever can. */
export async function resigned(
  jwt: string,
  header: Record<string, unknown>,
  sign: (input: Uint8Array<ArrayBuffer>) => Uint8Array | Promise<Uint8Array> = () => new Uint8Array(64),
): Promise<string> {
  const encode = (bytes: Uint8Array) =>
    btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const head = new TextEncoder().encode(JSON.stringify({ ...decoded(jwt).header, ...header }));
  const input = `${encode(head)}.${jwt.split(".")[1]}`;
  return `${input}.${encode(await sign(new TextEncoder().encode(input)))}`;
}

/** The error with which something is refused; its code must be `code`. */
export async function refusedWith(code: ErrorCode, work: Promise<unknown>, what = ""): Promise<TokenError> {
  const error = await failureOf(work);
  assert.equal(error.code, code, `${what} ${error.message}`);
  return error;
}

/** Asserts that no name is in a form twice. */
export function assertNothingTwice(form: URLSearchParams): void {
  const names = [...form.keys()];
  assert.deepEqual(names, [...new Set(names)], `${form}`);
}

/** A source whose every token is another one, and an API that refuses them with a challenge. */
export function apiWith(challenge: string | undefined, members: Record<string, unknown> = {}) {
  const calls: Sent[] = [];
  const { issuer, sent } = stub((one) => {
    if (one.url === "https://as.test/token") {
      return json(tokens({ access_token: `token-${sent.length}`, ...members }));
    }
    calls.push(one);
    return challenge === undefined
      ? json({})
      : new Response(null, { status: 401, headers: { "www-authenticate": challenge } });
  });
  const source = tokenSource(issuer, app, clientCredentials());
  return { source, calls, tokenRequests: () => sent.length - calls.length };
}
