/** What the tests of the authorization server share. */

import type { AuthorizationServer } from "../../lib/testing/mod.ts";

/** The JSON of an answer, with its status and headers. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // deno-lint-ignore no-explicit-any
  readonly json: any;
}

/** The device grant's `grant_type`. */
export const DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code";

/** Posts a form to a path of the issuer, or to a URL. */
export async function post(
  server: AuthorizationServer,
  path: string,
  parameters: Record<string, string> | [string, string][],
  headers: Record<string, string> = {},
): Promise<Answer> {
  const url = path.startsWith("https:") ? path : server.issuer.replace(/\/$/, "") + path;
  return await answerOf(
    await server.fetch(url, {
      method: "POST",
      headers,
      body: new URLSearchParams(parameters),
      redirect: "manual",
    }),
  );
}

/** Gets a path of the issuer's host, or a URL. */
export async function get(
  server: AuthorizationServer,
  path: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return await answerOf(
    await server.fetch(new URL(path, server.issuer).href, { headers, redirect: "manual" }),
  );
}

/** Reads an answer. */
export async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { status: response.status, headers: response.headers, json };
}

/** An authorization URL of the server. */
export function authorizationUrl(server: AuthorizationServer, parameters: Record<string, string>): string {
  const url = new URL(`${server.issuer.replace(/\/$/, "")}/authorize`);
  url.search = new URLSearchParams({
    client_id: "app",
    response_type: "code",
    redirect_uri: REDIRECT_URI,
    ...parameters,
  }).toString();
  return url.href;
}

/** Where the tests' client wants its code. */
export const REDIRECT_URI = "http://127.0.0.1:49152/callback";

/** RFC 7636 appendix B. */
export const VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/** The challenge of {@linkcode VERIFIER}. */
export const CHALLENGE = {
  code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
  code_challenge_method: "S256",
};

/** The `Authorization` header of Basic, form-encoded as RFC 6749 section 2.3.1 says. */
export function basic(clientId: string, secret: string): Record<string, string> {
  const encode = (text: string) => new URLSearchParams([["", text]]).toString().slice(1);
  return { authorization: `Basic ${btoa(`${encode(clientId)}:${encode(secret)}`)}` };
}

/** Signs a JWT with an ES256 key. */
export async function signed(
  key: CryptoKey,
  claims: Record<string, unknown>,
  header: Record<string, unknown> = {},
): Promise<string> {
  const part = (value: unknown) => base64url(new TextEncoder().encode(JSON.stringify(value)));
  const input = `${part({ alg: "ES256", ...header })}.${part(claims)}`;
  const algorithm = { name: "ECDSA", hash: "SHA-256" };
  const signature = await crypto.subtle.sign(algorithm, key, new TextEncoder().encode(input));
  return `${input}.${base64url(new Uint8Array(signature))}`;
}

/** An ES256 key pair, with its public half as a JWK. */
export async function keyPair(): Promise<CryptoKeyPair & { readonly jwk: JsonWebKey }> {
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, [
    "sign",
    "verify",
  ]);
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  return { ...pair, jwk: { kty, crv, x, y } };
}

/** Bytes, or the bytes of a text, in base64url. */
export function base64url(bytes: Uint8Array | string): string {
  const input = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
  return btoa(String.fromCharCode(...input)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
