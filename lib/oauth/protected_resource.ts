/**
 * What an API says about itself (RFC 9728): which authorization servers' tokens it takes.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import { createHttp, exchange } from "../http/http.ts";
import { withRetry } from "../http/retry.ts";
import { checkUrl } from "../http/url.ts";
import { readMembers, refusal } from "./_answer.ts";
import { discover, type DiscoverOptions, type Issuer } from "./issuer.ts";

/** Protected resource metadata (RFC 9728 section 2). */
export interface ProtectedResource {
  /** The resource identifier, exactly as it was asked for. */
  readonly resource: string;
  readonly authorization_servers?: readonly string[];
  readonly scopes_supported?: readonly string[];
  readonly dpop_bound_access_tokens_required?: boolean;
  readonly [member: string]: unknown;
}

/**
 * Fetches an API's metadata.
 *
 * @param resource the API's URL
 * @throws {TokenError} `invalid_metadata` when there is none or it is about another resource (RFC 9728 section 3.3);
 * `insecure_url`, `network`, `timeout`, `aborted`
 */
export async function discoverResource(
  resource: string | URL,
  options: DiscoverOptions = {},
): Promise<ProtectedResource> {
  const identifier = String(resource);
  const http = createHttp(options);
  const { origin, pathname, search, host } = checkUrl(identifier, http);
  const path = pathname === "/" ? "" : pathname;
  const url = `${origin}/.well-known/oauth-protected-resource${path}${search}`;
  const { signal } = options;
  const answer = await withRetry(http.clock, async () => {
    const answer = await exchange(http, {
      url,
      method: "GET",
      headers: { accept: "application/json" },
      signal,
    });
    if (answer.status >= 400 && answer.status !== 404) throw refusal(answer, "its metadata", http.clock);
    return answer;
  }, { signal });
  if (answer.status === 404) {
    throw new TokenError(
      "invalid_metadata",
      `Cannot find out whose tokens ${host} takes: it does not say (RFC 9728)`,
      {
        nextStep: "Name the issuer",
      },
    );
  }
  const quirks = { enabled: options.quirks ?? [], report: options.onQuirk ?? (() => {}) };
  const metadata = readMembers(answer, quirks, "invalid_metadata") as unknown as ProtectedResource;
  if (metadata.resource === identifier || metadata.resource === identifier.replace(/\/$/, "")) {
    return metadata;
  }
  throw new TokenError(
    "invalid_metadata",
    `Cannot trust the metadata of ${host}: it is about another resource`,
  );
}

/** An API with the server whose tokens it takes. */
export interface ResourceIssuer {
  readonly resource: ProtectedResource;
  readonly issuer: Issuer;
}

/**
 * Finds the authorization server of an API, so that a source can be made from the API's URL alone.
 *
 * @throws {TokenError} `invalid_metadata` when it names none, and as {@linkcode discoverResource} and `discover`
 * @see RFC 9728 section 5
 */
export async function discoverFromResource(
  resource: string | URL,
  options: DiscoverOptions = {},
): Promise<ResourceIssuer> {
  const metadata = await discoverResource(resource, options);
  const [server] = metadata.authorization_servers ?? [];
  if (typeof server === "string") return { resource: metadata, issuer: await discover(server, options) };
  throw new TokenError(
    "invalid_metadata",
    "Cannot find out whose tokens the API takes: it names no authorization server",
  );
}
