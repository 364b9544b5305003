/**
 * Where the endpoints are, and which of them a URL means.
 *
 * @module
 */

import type { EndpointPaths, Flavor } from "./flavors.ts";

/** The endpoints as tests name them; `unknown` is every other URL, also on other hosts. */
export type EndpointName =
  | "discovery"
  | "oauth_discovery"
  | "jwks"
  | "authorization"
  | "pushed_authorization"
  | "token"
  | "device_authorization"
  | "verification"
  | "backchannel_authentication"
  | "revocation"
  | "introspection"
  | "userinfo"
  | "registration"
  | "registration_management"
  | "end_session"
  | "protected_resource_metadata"
  | "resource"
  | "unknown";

/** The URLs of a server. */
export interface Endpoints {
  /** The issuer without its last slash: what the paths are added to. */
  readonly base: string;
  readonly urls: Readonly<Record<keyof EndpointPaths, string>>;
  readonly resource: string;
  readonly resourceMetadata: string;
  /** The same URL on the host that asks for a certificate; nothing when there are no aliases. */
  mtlsAlias(url: string): string | undefined;
  /** Which endpoint `url` means. */
  match(url: URL): EndpointName;
  /** Whether `url` is on a host of this server. */
  isOurs(url: URL): boolean;
}

/** Lays out the endpoints of `issuer`. */
export function endpoints(issuer: string, flavor: Flavor, resource: string, mtlsAliases: boolean): Endpoints {
  const base = issuer.replace(/\/$/, "");
  const { origin, host, protocol, pathname } = new URL(base);
  const path = pathname.replace(/\/$/, "");
  const mtlsOrigin = mtlsAliases ? `${protocol}//mtls.${host}` : undefined;
  const urls = Object.fromEntries(
    Object.entries(flavor.paths).map(([name, suffix]) => [name, base + suffix]),
  ) as Record<keyof EndpointPaths, string>;
  const api = new URL(resource);
  const metadataPath = `/.well-known/oauth-protected-resource${api.pathname === "/" ? "" : api.pathname}`;
  const named = new Map<string, EndpointName>([
    [`${base}/.well-known/openid-configuration`, "discovery"],
    [`${origin}/.well-known/oauth-authorization-server${path}`, "oauth_discovery"],
    [`${api.origin}${metadataPath}`, "protected_resource_metadata"],
    ...(Object.entries(urls) as [EndpointName, string][]).map(([name, url]) => [url, name] as const),
  ]);

  return {
    base,
    urls,
    resource,
    resourceMetadata: `${api.origin}${metadataPath}`,
    mtlsAlias: (url) => mtlsOrigin === undefined ? undefined : url.replace(origin, mtlsOrigin),
    isOurs: (url) => [origin, mtlsOrigin, api.origin].includes(url.origin),
    match: (url) => {
      const place = (url.origin === mtlsOrigin ? origin : url.origin) + url.pathname;
      const exact = named.get(place) ?? wellKnownWithSlash(named, place);
      if (exact !== undefined) return exact;
      if (place.startsWith(`${urls.registration}/`)) return "registration_management";
      const prefix = api.origin + api.pathname.replace(/\/$/, "");
      return place === prefix || place.startsWith(`${prefix}/`) ? "resource" : "unknown";
    },
  };
}

/** Issuers that end in a slash lead some clients to a well-known URL that does too. */
function wellKnownWithSlash(
  named: ReadonlyMap<string, EndpointName>,
  place: string,
): EndpointName | undefined {
  return place.includes("/.well-known/") ? named.get(place.replace(/\/$/, "")) : undefined;
}
