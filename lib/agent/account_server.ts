/**
 * The server of an account, and the client that the account is there.
 *
 * @module
 */

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { createHttp, exchange } from "../http/http.ts";
import { parseJson } from "../http/json.ts";
import type { Client } from "../oauth/client.ts";
import {
  badMetadata,
  discover,
  type Issuer,
  issuerFromMetadata,
  type ServerMetadata,
} from "../oauth/issuer.ts";
import type { TokenParameters } from "../oauth/token_request.ts";
import { clientOf } from "../profile/client_of.ts";
import { narrowingParameters, transportOf } from "../profile/connection.ts";
import type { Profile } from "../profile/profile.ts";
import { type AudienceDialect, providerOf } from "../providers.ts";
import { safeText } from "../safe_text.ts";
import { type AccountConfig, isMytoken, NO_MYTOKEN } from "./account_config.ts";
import type { IssuerSettings } from "./account.ts";

/** What of an account, or of an issuer's settings, says how its server is reached. */
export type ServerPlace = Pick<
  AccountConfig,
  "issuer" | "certPath" | "configurationEndpoint" | "deviceAuthorizationEndpoint"
>;

/** Servers, each asked for its metadata once in a while. */
export interface AccountServers {
  /**
   * The server.
   *
   * @throws {TokenError} as discovery
   */
  reach(place: ServerPlace): Promise<Issuer>;
  /** Whatever server is behind a URL, without its metadata. */
  reachBare(url: string, certPath?: string): Promise<Issuer>;
}

/** How long metadata is taken for true, in milliseconds. */
const METADATA_LIFE = 3600_000;
const METADATA_LIMIT = 256 * 1024;

/** @param certPath certificate authorities for servers whose account names none */
export function accountServers(host: Host, certPath?: string): AccountServers {
  const known = new Map<string, { readonly at: number; readonly issuer: Promise<Issuer> }>();
  return {
    reachBare: async (url, ownPath = certPath) => {
      const { origin } = URL.canParse(url) ? new URL(url) : { origin: url };
      return issuerFromMetadata(
        { issuer: origin },
        await transportTo({ issuer: origin, certPath: ownPath }, host),
      );
    },
    reach: (place) => {
      const key = JSON.stringify([
        place.issuer,
        place.configurationEndpoint,
        place.certPath,
        place.deviceAuthorizationEndpoint,
      ]);
      const now = host.clock.monotonic();
      const found = known.get(key);
      if (found && now - found.at < METADATA_LIFE) return found.issuer;
      const issuer = reach(host, { ...place, certPath: place.certPath ?? certPath });
      known.set(key, { at: now, issuer });
      // a failure is not remembered; what was known before is, until the server is there again
      issuer.catch(() =>
        known.get(key)?.issuer === issuer && (found ? known.set(key, found) : known.delete(key))
      );
      return issuer;
    },
  };
}

async function reach(host: Host, place: ServerPlace): Promise<Issuer> {
  const transport = { ...await transportTo(place, host), quirks: ["issuer-trailing-slash"] as const };
  const issuer = place.configurationEndpoint
    ? issuerFromMetadata(await metadataAt(place.configurationEndpoint, transport), transport)
    : await discover(place.issuer, transport);
  const { quirks } = providerOf(issuer.issuer, issuer.metadata);
  const enabled = [...new Set([...quirks, ...transport.quirks])];
  const device = place.deviceAuthorizationEndpoint;
  const metadata = device ? { ...issuer.metadata, device_authorization_endpoint: device } : issuer.metadata;
  return { ...issuer, metadata, quirks: { ...issuer.quirks, enabled } };
}

async function transportTo({ issuer, configurationEndpoint, certPath }: ServerPlace, host: Host) {
  // a certificate bundle of another machine, which 4.x writes into every account, is no reason to fail
  const caFile = certPath && existsSync(certPath) ? certPath : undefined;
  return await transportOf(host, {
    caFile,
    allowInsecureLoopback: isLoopback(issuer || configurationEndpoint),
  });
}

async function metadataAt(url: string, transport: Parameters<typeof createHttp>[0]): Promise<ServerMetadata> {
  const bytes = url.startsWith("file:") ? ofFile(url) : await ofServer(url, transport);
  const metadata = parseJson(bytes, (why) => badMetadata(url, why)) as Partial<ServerMetadata> | null;
  if (typeof metadata?.issuer === "string") return metadata as ServerMetadata;
  throw badMetadata(url, "it names no issuer");
}

function ofFile(url: string): Uint8Array {
  try {
    return readFileSync(fileURLToPath(url));
  } catch {
    throw new TokenError("storage", `Cannot read the metadata in ${safeText(url)}`);
  }
}

async function ofServer(url: string, transport: Parameters<typeof createHttp>[0]): Promise<Uint8Array> {
  const headers = { accept: "application/json" };
  const answer = await exchange(createHttp(transport), {
    url,
    method: "GET",
    headers,
    limit: METADATA_LIMIT,
  });
  if (answer.status === 200) return answer.body;
  throw new TokenError("invalid_metadata", `Cannot find the metadata at ${safeText(url)}: ${answer.status}`);
}

function isLoopback(url = ""): boolean {
  return /^http:\/\/(localhost|127\.0\.0\.1|\[::1])(:\d+)?(\/|$)/.test(url);
}

/**
 * An account as a profile that keeps nothing in files of its own.
 *
 * @throws {TokenError} `unsupported` for an account of a mytoken server, whose token no other server may see
 */
export function profileOfAccount(account: AccountConfig, { issuer, metadata, quirks }: Issuer): Profile {
  if (isMytoken(account)) {
    throw new TokenError(
      "unsupported",
      `Cannot use the account "${safeText(account.name, 80)}": it is one of mytoken`,
      {
        nextStep: NO_MYTOKEN,
      },
    );
  }
  return {
    format: 1,
    name: account.name,
    issuer,
    clientId: account.clientId,
    authentication: authenticationOf(account, metadata),
    flow: "device",
    audience: providerOf(issuer, metadata).audience,
    quirks: [...quirks.enabled],
    ...(account.scope ? { scope: account.scope } : {}),
    ...(account.certPath && existsSync(account.certPath) ? { caFile: account.certPath } : {}),
    ...(isLoopback(issuer) ? { allowInsecureLoopback: true } : {}),
    protect: { kind: "memory" },
  };
}

function authenticationOf(
  { clientSecret, others }: AccountConfig,
  metadata: ServerMetadata,
): Profile["authentication"] {
  if (clientSecret === undefined) return "none";
  const registered = others.token_endpoint_auth_method;
  const methods = typeof registered === "string"
    ? [registered]
    : metadata.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
  return methods.includes("client_secret_basic") || !methods.includes("client_secret_post")
    ? "client_secret_basic"
    : "client_secret_post";
}

/** The client of an account. */
export async function clientOfAccount(account: AccountConfig, issuer: Issuer): Promise<Client> {
  return await clientOf(profileOfAccount(account, issuer), { clientSecret: account.clientSecret });
}

/**
 * The parameters of a narrowed token in the server's dialect. Several audiences are separated by blanks.
 *
 * oidc-agent 5 sends `resource`, 4 sent `audience`: here it is what the server is known to understand, and both where
 * nothing is known.
 */
export function accountParameters(
  wish: { readonly scope?: string; readonly audience?: string },
  issuer: Issuer,
  settings?: Pick<IssuerSettings, "legacyAudience">,
): TokenParameters {
  const { scope, audience } = wish;
  if (!audience) return { scope };
  const provider = providerOf(issuer.issuer, issuer.metadata);
  const dialect: AudienceDialect = settings?.legacyAudience
    ? "audience"
    : provider.name === "generic"
    ? "both"
    : provider.audience;
  // it refuses in plain words: a token for everybody would be worse than none
  if (dialect === "none") {
    return narrowingParameters({ issuer: issuer.issuer, audience: "none" }, { scope, audience });
  }
  const uris = audience.split(/\s+/).filter((word) => URL.canParse(word) && !word.includes("#"));
  const asResource = dialect === "resource" || (dialect === "both" && uris.length > 0);
  return {
    scope,
    ...(dialect === "resource" ? {} : { audience }),
    ...(asResource ? { resource: uris } : {}),
  };
}
