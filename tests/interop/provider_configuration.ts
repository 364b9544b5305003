import { createHmac, randomBytes } from "node:crypto";
import { mergeClients } from "./provider_clients.ts";
import { deviceFlowPages, logoutPages, renderError } from "./provider_interactions.ts";
import { type ProviderStorage, storageAdapter } from "./provider_storage.ts";
import type { ClientModel, Exchange, ResourceServerInfo, TokenModel } from "./provider_types.ts";

/** The resource that tokens are for when the request names none: JWT access tokens need an audience (RFC 9068). */
export const DEFAULT_RESOURCE = "urn:apex:resource";

const DAY = 24 * 60 * 60;
const SCOPES = [
  ...["openid", "offline_access", "profile", "email", "roles", "wlcg", "wlcg.groups"],
  ...["storage.read:/", "storage.modify:/", "storage.create:/", "storage.stage:/"],
];
/** WLCG capability scopes carry a path, so their number has no end. */
const CAPABILITY = /^(storage|compute|wlcg)\./;

export interface ConfigurationOptions {
  /** Seconds that an access token lives; 300 by default. */
  accessTokenLifetime?: number;
  /** Whether each refresh gives a new refresh token; true by default. */
  rotate?: boolean;
  /** Client metadata added to, or put in place of, the default clients. */
  clients?: object[];
  /** oidc-provider `features`, merged over the ones set here. */
  features?: Record<string, unknown>;
  /** Seconds that a device code lives; 600 by default. */
  deviceCodeLifetime?: number;
  /** What differs for a named resource; any other resource gets a JWT for itself. */
  resourceServers?: Record<string, Partial<ResourceServerInfo>>;
}

interface Surroundings {
  readonly storage: ProviderStorage;
  /** The issuer's path without a last slash. */
  readonly mountPath: string;
  /** The `audience` parameter under which a grant was given. */
  readonly audienceOfGrant: Map<string, string>;
  readonly jwks: { keys: JsonWebKey[] };
}

/** What `new Provider(issuer, …)` is given. Every function whose default would write to the console is set. */
export function providerConfiguration(
  options: ConfigurationOptions,
  { storage, mountPath, audienceOfGrant, jwks }: Surroundings,
): Record<string, unknown> {
  const { accessTokenLifetime = 300, rotate = true, deviceCodeLifetime = 600 } = options;
  const lifetime = (_exchange: Exchange, token: TokenModel) =>
    token.resourceServer?.accessTokenTTL ?? accessTokenLifetime;
  return {
    adapter: storageAdapter(storage),
    clients: mergeClients(options.clients),
    jwks,
    scopes: SCOPES,
    claims: {
      profile: ["name", "preferred_username"],
      email: ["email", "email_verified"],
      roles: ["roles"],
      "wlcg.groups": ["wlcg.groups"],
    },
    extraParams: ["audience"],
    cookies: { keys: cookieSigner() },
    features: {
      claimsParameter: { enabled: true },
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      deviceFlow: { enabled: true, ...deviceFlowPages },
      introspection: { enabled: true, allowedPolicy: () => true },
      resourceIndicators: { enabled: true, ...resources(options) },
      revocation: {
        enabled: true,
        allowedPolicy: (_exchange: Exchange, client: ClientModel, token: { clientId: string }) =>
          client.clientId === token.clientId,
      },
      rpInitiatedLogout: { enabled: true, ...logoutPages },
      // JWT access tokens are not stored, and this endpoint knows only stored ones.
      userinfo: { enabled: false },
      ...options.features,
    },
    formats: { customizers: { jwt: audienceCustomizer(audienceOfGrant) } },
    extraTokenClaims: (_exchange: Exchange, token: TokenModel) =>
      token.scopes.has("wlcg") ? { "wlcg.ver": "1.0" } : undefined,
    ttl: {
      AccessToken: lifetime,
      ClientCredentials: lifetime,
      AuthorizationCode: 60,
      BackchannelAuthenticationRequest: 600,
      DeviceCode: deviceCodeLifetime,
      Grant: 14 * DAY,
      IdToken: 3600,
      Interaction: 3600,
      RefreshToken: 14 * DAY,
      Session: 14 * DAY,
    },
    clientBasedCORS: () => true,
    findAccount: (_exchange: Exchange, accountId: string) => ({
      accountId,
      claims: () => Promise.resolve(accountClaims(accountId)),
    }),
    interactions: {
      url: (_exchange: Exchange, { uid }: { uid: string }) => `${mountPath}/interaction/${uid}`,
    },
    renderError,
    rotateRefreshToken: rotate,
  };
}

/** What the provider knows about a user: any name is a user. */
export function accountClaims(accountId: string): Record<string, unknown> {
  return {
    sub: accountId,
    name: accountId,
    preferred_username: accountId,
    email: `${accountId}@example.org`,
    email_verified: true,
    roles: ["reader"],
    "wlcg.groups": ["/apex"],
  };
}

/** A resource's answer when nothing differs for it: JWT access tokens with every scope that is known. */
export function resourceServerInfo(
  scopes: Iterable<string>,
  override: Partial<ResourceServerInfo> = {},
): ResourceServerInfo {
  const jwt = override.accessTokenFormat === "opaque" ? {} : { jwt: { sign: { alg: "RS256" } } };
  return { scope: [...scopes].join(" "), accessTokenFormat: "jwt", ...jwt, ...override };
}

function resources({ resourceServers = {} }: ConfigurationOptions): Record<string, unknown> {
  const known = new Set(SCOPES);
  return {
    defaultResource: (_exchange: Exchange, _client: ClientModel, oneOf?: string[]) =>
      oneOf?.[0] ?? DEFAULT_RESOURCE,
    useGrantedResource: () => true,
    getResourceServerInfo(exchange: Exchange, resource: string): ResourceServerInfo {
      for (const scope of exchange.oidc?.requestParamScopes ?? []) {
        if (CAPABILITY.test(scope)) known.add(scope);
      }
      return resourceServerInfo(known, resourceServers[resource]);
    },
  };
}

/** Puts the `audience` parameter, which oidc-provider does not know, into `aud`: one string, or several as a list. */
function audienceCustomizer(audienceOfGrant: Map<string, string>): unknown {
  return (exchange: Exchange, token: TokenModel, jwt: { payload: Record<string, unknown> }) => {
    const asked = exchange.oidc?.body?.audience ?? audienceOfGrant.get(token.grantId ?? "");
    const audiences = [asked ?? []].flat().flatMap((value) => value.split(" ")).filter(Boolean);
    if (audiences.length > 0) jwt.payload.aud = audiences.length === 1 ? audiences[0] : audiences;
  };
}

/** What Keygrip does; Keygrip itself makes Bun warn on standard error about a deprecated function that it calls. */
function cookieSigner(): unknown {
  const key = randomBytes(32);
  const sign = (data: string) => createHmac("sha256", key).update(data).digest("base64url");
  return {
    sign,
    verify: (data: string, digest: string) => sign(data) === digest,
    index: (data: string, digest: string) => sign(data) === digest ? 0 : -1,
  };
}

/** A fresh RS256 and a fresh ES256 signing key. */
export async function signingKeys(): Promise<{ keys: JsonWebKey[] }> {
  const rsa = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 2048 };
  const algorithms = [
    { alg: "RS256", ...rsa, publicExponent: new Uint8Array([1, 0, 1]) },
    { alg: "ES256", name: "ECDSA", namedCurve: "P-256" },
  ];
  const keys = algorithms.map(async ({ alg, ...algorithm }) => {
    const pair = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as CryptoKeyPair;
    const { key_ops: _, ext: __, ...jwk } = await crypto.subtle.exportKey("jwk", pair.privateKey);
    return { ...jwk, alg, use: "sig", kid: crypto.randomUUID() };
  });
  return { keys: await Promise.all(keys) };
}
