/**
 * `fetch` for an API that wants a token (RFC 6750 section 2.1, RFC 9449 section 7.1).
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import type { Http } from "../http/http.ts";
import { checkUrl } from "../http/url.ts";
import type { DpopKey } from "../oauth/dpop.ts";
import type { TokenSource } from "./token_source.ts";

/** How many redirects of GET and HEAD are followed. */
const MOST_REDIRECTS = 20;
const REDIRECTS = [301, 302, 303, 307, 308];

/** Sends a request with the source's token; see {@linkcode TokenSource.fetch}. */
export async function authorizedFetch(
  source: TokenSource,
  sender: Sender,
  input: string | URL | Request,
  init?: RequestInit,
): Promise<Response> {
  const request = describe(input, init);
  const signal = request.init.signal ?? undefined;
  const token = await source.get({ signal });
  const response = await follow(sender, request, token.accessToken);
  if (response.status !== 401 || !request.repeatable || !asksForToken(response)) return response;
  // only a token that is still the current one is at fault; somebody else may have renewed it already
  if (source.peek()?.accessToken === token.accessToken) source.invalidate(token.accessToken);
  const renewed = await source.get({ signal });
  if (renewed.accessToken === token.accessToken) return response;
  await response.body?.cancel();
  return await follow(sender, request, renewed.accessToken);
}

/** How requests are sent: through which door, and with which key. */
export interface Sender {
  readonly http: Http;
  /** The key that the token is bound to (RFC 9449). */
  readonly dpop?: DpopKey;
}

interface ApiRequest {
  readonly url: string;
  readonly init: RequestInit;
  readonly headers: Headers;
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
  const body = init.body ?? given?.body ?? undefined;
  const repeatable = !(body instanceof ReadableStream);
  const merged: RequestInit = {
    ...init,
    method: init.method ?? given?.method ?? "GET",
    signal: init.signal ?? given?.signal,
    ...(body !== undefined ? { body } : {}),
    ...(repeatable ? {} : { duplex: "half" } as RequestInit),
  };
  return { url: given?.url ?? String(input), init: merged, headers, repeatable };
}

/** RFC 6750 section 3: a challenge that says anything but `invalid_token` is not about the token's life. */
function asksForToken(response: Response): boolean {
  const error = response.headers.get("www-authenticate")?.match(/\berror="?([\w.-]+)/)?.[1];
  return error === undefined || error === "invalid_token";
}

/** RFC 9449 section 9: the API wants its nonce in the proof; the answer has it. */
function wantsNonce(response: Response): boolean {
  return response.status === 401 && response.headers.has("dpop-nonce") &&
    /\buse_dpop_nonce\b/.test(response.headers.get("www-authenticate") ?? "");
}

async function follow({ http, dpop }: Sender, request: ApiRequest, accessToken: string): Promise<Response> {
  const followable = ["GET", "HEAD"].includes(request.init.method!.toUpperCase()) &&
    request.init.redirect !== "manual";
  let url = checkUrl(request.url, http);
  const { origin } = url;
  const method = request.init.method!.toUpperCase();
  const authorize = async (headers: Headers, url: string): Promise<void> => {
    headers.set("authorization", `${dpop ? "DPoP" : "Bearer"} ${accessToken}`);
    if (dpop) headers.set("dpop", await dpop.proof({ method, url, clock: http.clock, accessToken }));
  };
  let atHome = true;
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    const send = async (): Promise<Response> => {
      const headers = new Headers(request.headers);
      if (atHome) await authorize(headers, url.href);
      else headers.delete("cookie");
      const response = await (http.fetch ?? globalThis.fetch)(url.href, {
        ...request.init,
        headers,
        redirect: "manual",
      });
      dpop?.remember(url.href, response.headers);
      return response;
    };
    let response = await send();
    if (dpop && atHome && request.repeatable && wantsNonce(response)) {
      await response.body?.cancel();
      response = await send();
    }
    const location = REDIRECTS.includes(response.status) ? response.headers.get("location") : null;
    if (!location || !followable) return response;
    await response.body?.cancel();
    url = checkUrl(new URL(location, url), http);
    // once the origin has changed the token does not come back, even if a later redirect leads home
    atHome &&= url.origin === origin;
  }
  throw new TokenError("network", `Cannot reach ${url.host}: it redirects without end`);
}
