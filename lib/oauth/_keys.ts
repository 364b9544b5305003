/**
 * The issuer's keys (RFC 7517): how the protocol library fetches them.
 *
 * @module
 */

import {
  allowInsecureRequests,
  customFetch,
  jwksCache,
  type JWKSCacheInput,
  validateApplicationLevelSignature,
  type ValidateSignatureOptions,
} from "oauth4webapi";
import { exchange, type HttpAnswer } from "../http/http.ts";
import { withRetry } from "../http/retry.ts";
import { type Shared, together } from "../http/together.ts";
import { readMembers, refusal, unusableAnswer } from "./_answer.ts";
import { decrypted } from "./_decryption.ts";
import { guarded } from "./_protocol.ts";
import type { Client } from "./client.ts";
import { asServer, type Issuer } from "./issuer.ts";
import type { Members } from "./quirks.ts";

/** The media type of a JWT (RFC 7519 section 10.3.1). */
export const JWT_TYPE = "application/jwt";
/** The longest JWK set that is read, in bytes. */
const JWKS_LIMIT = 524_288;
/** The most keys of a set. */
const MOST_KEYS = 100;

/** What was fetched, and is being fetched, for an issuer through one transport. */
interface Downloads {
  readonly underWay: Map<string, Shared<Members>>;
  readonly cache: JWKSCacheInput;
}

// A client with a transport of its own must not depend on another client's.
const downloads = /* @__PURE__ */ new WeakMap<object, WeakMap<object, Downloads>>();

/** The protocol library's options for fetching an issuer's keys. */
export function keyOptions(issuer: Issuer): ValidateSignatureOptions {
  const { http, metadata } = issuer;
  let byTransport = downloads.get(metadata);
  if (!byTransport) downloads.set(metadata, byTransport = new WeakMap());
  const transport = http.fetch ?? metadata;
  let known = byTransport.get(transport);
  if (!known) byTransport.set(transport, known = { underWay: new Map(), cache: {} });
  const { underWay, cache } = known;
  const download = async (url: string, headers?: HeadersInit) => {
    const jwks = await fetchKeys(issuer, url, headers);
    // at once: whoever comes between the end of the download and the library's reading of it would fetch them again
    Object.assign(cache, { jwks, uat: Math.floor(Date.now() / 1000) });
    return jwks;
  };
  return {
    // a new function each time, or the library would share a download under way by itself, and in a Worker all would
    // wait for ever for that of a visitor who has left
    [customFetch]: async (url: string, { headers }: { headers?: HeadersInit }) =>
      Response.json(await together(underWay, url, http.clock, () => download(url, headers))),
    [jwksCache]: cache,
    [allowInsecureRequests]: http.allowInsecureLoopback,
  };
}

/**
 * What a JWT says, once the library has judged it and the issuer's keys have verified its signature.
 *
 * @param type the media type that the library knows it by
 * @param step the library's step
 * @throws {TokenError} `invalid_response`
 */
export function verified<T>(
  issuer: Issuer,
  jwt: string,
  type: string,
  step: (response: Response) => Promise<unknown>,
): Promise<T> {
  return guarded(async () => {
    const response = new Response(jwt, { headers: { "content-type": type } });
    const said = await step(response);
    await validateApplicationLevelSignature(asServer(issuer), response, keyOptions(issuer));
    return said as T;
  });
}

/** What an answer that is a JWT, perhaps an encrypted one, says: see {@linkcode verified}. */
export async function verifiedAnswer<T>(
  issuer: Issuer,
  client: Client,
  { body }: HttpAnswer,
  type: string,
  step: (response: Response) => Promise<unknown>,
): Promise<T> {
  return await verified(issuer, await decrypted(client, new TextDecoder().decode(body)), type, step);
}

async function fetchKeys({ http, quirks }: Issuer, url: string, headers?: HeadersInit): Promise<Members> {
  const answer = await withRetry(http.clock, async () => {
    const answer = await exchange(http, { url, method: "GET", headers, limit: JWKS_LIMIT });
    if (answer.status >= 400) throw refusal(answer, "its keys");
    return answer;
  });
  const set = readMembers(answer, quirks);
  if (Array.isArray(set.keys) && set.keys.length > MOST_KEYS) throw unusableAnswer("it has too many keys");
  return set;
}
