/**
 * `fetch` for an API that wants a token (RFC 6750 section 2.1, RFC 9449 section 7.1).
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import { challengeParameters } from "../http/challenge.ts";
import type { Http } from "../http/http.ts";
import { checkUrl } from "../http/url.ts";
import type { DpopKey } from "../oauth/dpop.ts";
import type { AccessToken, TokenSource } from "./token_source.ts";

/** How many redirects of GET and HEAD are followed. */
const MOST_REDIRECTS = 20;
const REDIRECTS = [301, 302, 303, 307, 308];

/** Sends a request with the source's token; see {@linkcode TokenSource.fetch}. */
export async function authorizedFetch(
  source: TokenSource,
  http: Http,
  input: string | URL | Request,
  init?: RequestInit,
  dpop?: DpopKey,
): Promise<Response> {
  const request = describe(input, init);
  const way = { http, dpop };
  const signal = request.init.signal ?? undefined;
  const token = await source.get({ signal });
  if (token.tokenType === "N_A") {
    throw new TokenError("unsupported", "Cannot send this token to an API: it is no access token (RFC 8693)");
  }
  const { response, atHome } = await follow(way, request, token);
  // a token that was not sent is not at fault
  if (response.status !== 401 || !atHome || !request.repeatable) return response;
  // RFC 6750 section 3: a challenge that says anything but `invalid_token` is not about the token's life
  const problem = problemOf(response);
  if (problem !== undefined && problem !== "invalid_token") return response;
  const renewed = await renew(source, token, signal).catch(async (error) => {
    await response.body?.cancel();
    throw error;
  });
  if (renewed.accessToken === token.accessToken) return response;
  await response.body?.cancel();
  return (await follow(way, request, renewed)).response;
}

async function renew(source: TokenSource, bad: AccessToken, signal?: AbortSignal): Promise<AccessToken> {
  // only a token that is still the current one is at fault; somebody else may have renewed it already
  if (source.peek()?.accessToken === bad.accessToken) source.invalidate(bad.accessToken);
  return await source.get({ signal });
}

interface ApiRequest {
  readonly url: string;
  readonly method: string;
  readonly init: RequestInit;
  readonly headers: Headers;
  readonly redirect: RequestRedirect;
  /** Whether its body can be sent twice. */
  readonly repeatable: boolean;
}

function describe(input: string | URL | Request, init: RequestInit = {}): ApiRequest {
  const given = input instanceof Request ? input : undefined;
  const headers = new Headers(init.headers ?? given?.headers);
  if (headers.has("authorization")) {
    throw new TokenError(
      "invalid_argument",
      "Cannot add the token: the request has an authorization header already",
    );
  }
  const method = init.method ?? given?.method ?? "GET";
  const body = init.body ?? given?.body ?? undefined;
  const repeatable = body === undefined || isRepeatable(body);
  const merged: RequestInit = {
    ...init,
    method,
    signal: init.signal ?? given?.signal,
    ...(body !== undefined ? { body } : {}),
    ...(repeatable ? {} : { duplex: "half" } as RequestInit),
  };
  const redirect = init.redirect ?? given?.redirect ?? "follow";
  return { url: given?.url ?? String(input), method, init: merged, headers, redirect, repeatable };
}

function isRepeatable(body: unknown): boolean {
  return typeof body === "string" || ArrayBuffer.isView(body) ||
    [ArrayBuffer, Blob, FormData, URLSearchParams].some((kind) => body instanceof kind);
}

/** The `error` of the challenge of our scheme; what an API says of other schemes is not about our token. */
function problemOf({ status, headers }: Response): string | undefined {
  return status === 401 ? challengeParameters(headers, ["bearer", "dpop"]).get("error") : undefined;
}

/** How requests reach an API: the network, and the key that the tokens are bound to. */
interface Way {
  readonly http: Http;
  readonly dpop?: DpopKey;
}

interface Answer {
  readonly response: Response;
  /** Whether the request that it answers had the token. */
  readonly atHome: boolean;
}

async function follow(way: Way, request: ApiRequest, token: AccessToken): Promise<Answer> {
  const { http } = way;
  const { redirect, method } = request;
  const followable = ["GET", "HEAD"].includes(method.toUpperCase()) && redirect === "follow";
  let url = checkUrl(request.url.split("#")[0], http);
  const { origin } = url;
  let atHome = true;
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    const { href } = url;
    const response = await (atHome ? sendHome(way, request, href, token) : send(way, request, href));
    const target = redirectTarget(response, url);
    if (!target || !(followable || redirect === "error")) return { response, atHome };
    await response.body?.cancel();
    if (redirect === "error") {
      throw new TokenError("invalid_response", `Cannot use the answer of ${url.host}: it is a redirect`);
    }
    url = checkUrl(target, http);
    // once the origin has changed the token does not come back, even if a later redirect leads home
    atHome &&= url.origin === origin;
  }
  throw new TokenError("network", `Cannot reach ${url.host}: it redirects without end`);
}

/** Sends the request with the token, and with a proof where the token is bound to a key. */
async function sendHome(
  way: Way,
  request: ApiRequest,
  url: string,
  { accessToken, tokenType }: AccessToken,
): Promise<Response> {
  const { http: { clock }, dpop } = way;
  const { method, repeatable } = request;
  let last: Response | undefined;
  const once = async (proof?: { readonly dpop: string }) => {
    await last?.body?.cancel();
    return last = await send(way, request, url, { authorization: `${tokenType} ${accessToken}`, ...proof });
  };
  if (!dpop) return await once();
  const errorOf = (answer: Response) => repeatable ? problemOf(answer) : undefined;
  return await dpop.send({ method, url, clock, accessToken }, once, errorOf);
}

function send(
  { http: { fetch = globalThis.fetch } }: Way,
  request: ApiRequest,
  url: string,
  own?: Record<string, string>,
): Promise<Response> {
  const headers = new Headers(request.headers);
  if (!own) headers.delete("cookie");
  for (const name in own) headers.set(name, own[name]);
  return fetch(url, { ...request.init, headers, redirect: "manual" });
}

/** Where a redirect leads, without the fragment, which stays with the reader. */
function redirectTarget(response: Response, url: URL): string | undefined {
  const location = REDIRECTS.includes(response.status) ? response.headers.get("location") : null;
  if (location === null || !URL.canParse(location, url)) return undefined;
  return new URL(location, url).href.split("#")[0];
}
