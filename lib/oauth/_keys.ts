/**
 * The issuer's keys (RFC 7517): how the protocol library fetches them.
 *
 * @module
 */

import { exchange } from "../http/http.ts";
import { parseJson } from "../http/json.ts";
import { withRetry } from "../http/retry.ts";
import { refusal } from "./_answer.ts";
import type { Issuer } from "./issuer.ts";

/** The longest JWK set that is read, in bytes. */
const JWKS_LIMIT = 512 * 1024;

// One fetch function per issuer: the library shares a JWKS download among those that ask with the same one.
const fetchers = /* @__PURE__ */ new WeakMap<object, (url: string, init: RequestInit) => Promise<Response>>();

/** What fetches the keys of an issuer; the same function each time. */
export function keyFetcher(issuer: Issuer): (url: string, init: RequestInit) => Promise<Response> {
  let fetcher = fetchers.get(issuer.metadata);
  if (!fetcher) {
    const { http } = issuer;
    fetcher = async (url, { headers }) => {
      const answer = await withRetry(http.clock, async () => {
        const answer = await exchange(http, { url, method: "GET", headers, limit: JWKS_LIMIT });
        if (answer.status >= 400) throw refusal(answer, "its keys", http.clock);
        return answer;
      });
      return Response.json(parseJson(answer.body));
    };
    fetchers.set(issuer.metadata, fetcher);
  }
  return fetcher;
}
