/**
 * The authorization server: its identifier and its metadata (RFC 8414, OpenID Connect Discovery 1.0).
 *
 * @module
 */

import type { AuthorizationServer } from "oauth4webapi";
import { systemClock } from "../clock.ts";
import { TokenError } from "../errors.ts";
import { createHttp, exchange, type Http, type HttpOptions } from "../http/http.ts";
import { withRetry } from "../http/retry.ts";
import { type Shared, together } from "../http/together.ts";
import { checkUrl } from "../http/url.ts";
import { safeText } from "../safe_text.ts";
import { readMembers, refusal } from "./_answer.ts";
import { type Members, type OptionalQuirk, type QuirkName, type Quirks, sameButForSlash } from "./quirks.ts";

/** Authorization server metadata (RFC 8414 section 2, OpenID Connect Discovery 1.0 section 3). */
export interface ServerMetadata {
  /** The issuer identifier. */
  readonly issuer: string;
  /** Where tokens are asked for. */
  readonly token_endpoint?: string;
  /** The page that a browser is sent to. */
  readonly authorization_endpoint?: string;
  /** Where device codes are asked for (RFC 8628 section 4). */
  readonly device_authorization_endpoint?: string;
  /** Where its public keys are. */
  readonly jwks_uri?: string;
  /** Where the claims about a person are. */
  readonly userinfo_endpoint?: string;
  /** Where tokens are revoked (RFC 7009). */
  readonly revocation_endpoint?: string;
  /** Where it says whether a token is good (RFC 7662). */
  readonly introspection_endpoint?: string;
  /** Where clients register themselves (RFC 7591). */
  readonly registration_endpoint?: string;
  /** The page that ends the session of a browser. */
  readonly end_session_endpoint?: string;
  /** Scopes that it knows, not always all of them. */
  readonly scopes_supported?: readonly string[];
  /** The `grant_type` values that it knows. */
  readonly grant_types_supported?: readonly string[];
  /** How clients can prove who they are. */
  readonly token_endpoint_auth_methods_supported?: readonly string[];
  /** The PKCE methods that it knows (RFC 8414 section 2). */
  readonly code_challenge_methods_supported?: readonly string[];
  /** Whatever else it says. */
  readonly [member: string]: unknown;
}

/** An authorization server whose metadata is known. Made by {@linkcode discover} or {@linkcode issuerFromMetadata}. */
export interface Issuer {
  /** The issuer identifier, exactly as the server writes it. */
  readonly issuer: string;
  /** What the server says about itself. */
  readonly metadata: ServerMetadata;
  /** How requests to it are made. */
  readonly http: Http;
  /** Which leniencies it needs. */
  readonly quirks: Quirks;
}

/** How an issuer is reached and how lenient to be with it. */
export interface IssuerOptions extends HttpOptions {
  /** The optional quirks of this server. Default: none. */
  quirks?: readonly OptionalQuirk[];
  /** Told the name of each leniency that one of its answers needed. */
  onQuirk?: (name: QuirkName) => void;
}

/** Options of {@linkcode discover}. */
export interface DiscoverOptions extends IssuerOptions {
  /** Ends the wait. */
  signal?: AbortSignal;
}

/** The longest metadata document that is read, in bytes. */
const METADATA_LIMIT = 262_144;

/**
 * Fetches and checks an issuer's metadata: OpenID Connect Discovery first, RFC 8414 where that is not found. Network
 * failures are tried again.
 *
 * @param issuer the issuer identifier; compared exactly with the document's own
 * @throws {TokenError} `insecure_url` for anything but `https`; `invalid_metadata` when there is no usable document
 * or it names another issuer; `network`, `timeout`, `aborted`
 * @see RFC 8414 section 3, OpenID Connect Discovery 1.0 section 4
 */
export async function discover(issuer: string | URL, options: DiscoverOptions = {}): Promise<Issuer> {
  const identifier = typeof issuer === "string" ? issuer : issuer.href;
  const http = createHttp(options);
  const quirks = quirksOf(options);
  const url = checkIssuerUrl(identifier, http);
  const found = await shared(options, http, url, () => findMetadata(url, http, quirks, options.signal));
  if (typeof found === "object") {
    return { issuer: found.issuer, metadata: checkMetadata(found, issuer, quirks), http, quirks };
  }
  throw new TokenError(
    "invalid_metadata",
    `Cannot find the metadata of ${safeText(identifier)}: the server answered ${found}`,
    {
      nextStep: "Check the issuer URL; it is the part before /.well-known/openid-configuration",
      status: found,
    },
  );
}

/** What is being fetched, by who fetches it and how. */
const underWay = /* @__PURE__ */ new WeakMap<object, Map<string, Shared<Found>>>();

type Found = ServerMetadata | number;

/** Those who ask alike at the same moment share a request, unless they want to end it or to hear of its quirks. */
function shared(
  { signal, quirks, onQuirk }: DiscoverOptions,
  { fetch = globalThis.fetch, clock, timeout, allowInsecureLoopback }: Http,
  url: URL,
  find: () => Promise<Found>,
): Promise<Found> {
  if (signal || quirks || onQuirk || clock !== systemClock) return find();
  let flights = underWay.get(fetch);
  if (!flights) underWay.set(fetch, flights = new Map());
  const key = `${url} ${timeout} ${allowInsecureLoopback}`;
  return together(flights, key, clock, find);
}

/** The metadata, or the status of the first answer where there is none. */
async function findMetadata(url: URL, http: Http, quirks: Quirks, signal?: AbortSignal): Promise<Found> {
  let status: number | undefined;
  for (const algorithm of ["oidc", "oauth2"] as const) {
    const found = await fetchMetadata(url, algorithm, http, quirks, signal);
    if (typeof found === "object") return found;
    status ??= found;
  }
  return status!;
}

/**
 * An issuer from metadata that is already at hand, so that nothing is fetched.
 *
 * @throws {TokenError} `insecure_url` when the issuer is not an `https` URL
 */
export function issuerFromMetadata(metadata: ServerMetadata, options: IssuerOptions = {}): Issuer {
  const http = createHttp(options);
  checkIssuerUrl(metadata.issuer, http);
  return {
    issuer: metadata.issuer,
    metadata: Object.freeze({ ...metadata }),
    http,
    quirks: quirksOf(options),
  };
}

/** The quirks that the options name. */
export function quirksOf(options: IssuerOptions): Quirks {
  return { enabled: options.quirks ?? [], report: options.onQuirk ?? (() => {}) };
}

/** RFC 8414 section 2: an `https` URL without query or fragment. */
function checkIssuerUrl(identifier: string, http: Http): URL {
  const url = checkUrl(identifier, http);
  if (identifier.includes("?")) {
    throw new TokenError("invalid_argument", "Cannot use this issuer: its URL has a query");
  }
  return url;
}

/** RFC 8414 section 3.1 puts the well-known part before the issuer's path, Discovery section 4 behind it. */
function metadataUrl({ origin, pathname }: URL, algorithm: "oidc" | "oauth2"): string {
  const path = pathname.replace(/\/$/, "");
  return algorithm === "oidc"
    ? `${origin}${path}/.well-known/openid-configuration`
    : `${origin}/.well-known/oauth-authorization-server${path}`;
}

async function fetchMetadata(
  issuer: URL,
  algorithm: "oidc" | "oauth2",
  http: Http,
  quirks: Quirks,
  signal?: AbortSignal,
): Promise<ServerMetadata | number> {
  const metadata = await getMetadata(http, metadataUrl(issuer, algorithm), quirks, signal);
  if (typeof metadata === "number") return metadata;
  if (typeof metadata.issuer === "string") return metadata as unknown as ServerMetadata;
  throw badMetadata(issuer.host, "it names no issuer");
}

/**
 * Fetches a metadata document; network failures are tried again.
 *
 * @returns its members, or the status of an answer that says "not here": some servers and firewalls say it with 400, 401,
 * 403 or 405
 */
export async function getMetadata(
  http: Http,
  url: string,
  quirks: Quirks,
  signal?: AbortSignal,
): Promise<Members | number> {
  const headers = { accept: "application/json" };
  const answer = await withRetry(http.clock, async () => {
    const answer = await exchange(http, { url, method: "GET", headers, limit: METADATA_LIMIT, signal });
    if (answer.status >= 500 || answer.status === 429) throw refusal(answer, "the metadata");
    return answer;
  }, { signal });
  return answer.status < 400 ? readMembers(answer, quirks, "invalid_metadata") : answer.status;
}

function checkMetadata(metadata: ServerMetadata, asked: string | URL, quirks: Quirks): ServerMetadata {
  const identifier = String(asked);
  // a URL object has a slash after the host whether it was written or not
  const same = metadata.issuer === identifier ||
    (typeof asked !== "string" && metadata.issuer === asked.origin && asked.pathname === "/");
  if (!same) {
    const slash = sameButForSlash(metadata.issuer, identifier);
    if (!slash || !quirks.enabled.includes("issuer-trailing-slash")) {
      const itself = safeText(metadata.issuer);
      throw badMetadata(
        identifier,
        `it says that its issuer is "${itself}"`,
        slash ? `Use the issuer as the server writes it: ${itself}` : "Check the issuer URL",
      );
    }
    quirks.report("issuer-trailing-slash");
  }
  for (const name of LISTS) {
    const list = metadata[name];
    if (list === undefined || (Array.isArray(list) && list.every((one) => typeof one === "string"))) continue;
    throw badMetadata(identifier, `its "${name}" is no list`);
  }
  return Object.freeze({ ...metadata });
}

/** What has to be a list of words, because decisions hang on it (RFC 8414 section 2). */
/** The error of metadata that cannot be used. */
export function badMetadata(of: string, why: string, nextStep?: string): TokenError {
  return new TokenError("invalid_metadata", `Cannot trust the metadata of ${safeText(of)}: ${why}`, {
    nextStep,
  });
}

const LISTS = [
  "scopes_supported",
  "grant_types_supported",
  "token_endpoint_auth_methods_supported",
  "code_challenge_methods_supported",
];

/** The metadata in the form that the protocol library takes. */
export function asServer(issuer: Issuer): AuthorizationServer {
  return issuer.metadata as unknown as AuthorizationServer;
}
