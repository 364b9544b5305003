/**
 * What an API says about itself (RFC 9728): which authorization servers' tokens it takes.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import { createHttp } from "../http/http.ts";
import { checkUrl } from "../http/url.ts";
import { badMetadata, discover, type DiscoverOptions, getMetadata, type Issuer, quirksOf } from "./issuer.ts";

/** Protected resource metadata (RFC 9728 section 2). */
export interface ProtectedResource {
  /** The resource identifier, exactly as it was asked for. */
  readonly resource: string;
  /** The issuer identifiers of the servers whose tokens it takes. */
  readonly authorization_servers?: readonly string[];
  /** Scopes that it knows. */
  readonly scopes_supported?: readonly string[];
  /** Whether it takes DPoP-bound tokens only (RFC 9449). */
  readonly dpop_bound_access_tokens_required?: boolean;
  /** Whatever else it says. */
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
  const found = await getMetadata(http, url, quirksOf(options), options.signal);
  if (typeof found === "number") throw silent(host, found);
  const metadata = found as unknown as ProtectedResource;
  // a URL without a path has a slash when it comes out of `URL`; else every character counts
  const same = path + search === "" ? [origin, origin + "/"] : [identifier];
  if (same.includes(metadata.resource)) return metadata;
  throw badMetadata(host, "it is about another resource");
}

/** An API with the server whose tokens it takes. */
export interface ResourceIssuer {
  /** What the API says about itself. */
  readonly resource: ProtectedResource;
  /** The server whose tokens it takes. */
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
  const server: unknown = [metadata.authorization_servers].flat()[0];
  const { host, hostname } = new URL(resource);
  if (typeof server !== "string") throw silent(host);
  // or an API could make this machine ask addresses that only this machine reaches (RFC 9728 section 7.7)
  if (isPrivate(checkUrl(server, options).hostname) && !isPrivate(hostname)) {
    throw badMetadata(host, "it leads to a private address");
  }
  return { resource: metadata, issuer: await discover(server, options) };
}

/** Whether a host is of this machine or of a private network, by its name (RFC 6890, RFC 4193). */
function isPrivate(hostname: string): boolean {
  return /^(?:localhost$|.*\.localhost$|0\.|10\.|127\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|\[(?:::|f[cde]))/
    .test(hostname);
}

function silent(host: string, status?: number): TokenError {
  return new TokenError(
    "invalid_metadata",
    `Cannot find out whose tokens ${host} takes: it does not say (RFC 9728)`,
    { nextStep: "Name the issuer", status },
  );
}
