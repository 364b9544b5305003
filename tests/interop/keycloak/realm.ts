/**
 * The realm that the tests use at a real Keycloak: its people and its clients. Data only.
 *
 * @module
 */

/** The name of the realm, as APEx has it. */
export const REALM = "apex";

/** Who can sign in. */
export const PEOPLE = {
  alice: { username: "alice", password: "correct horse battery staple" },
  bob: { username: "bob", password: "passphrase & + % = of bob" },
} as const;

/** The secrets of the confidential clients; they have what form-encoding and HTTP Basic trip over. */
export const SECRETS = {
  service: "service: secret + 100%/ü",
  exchange: "exchange-secret",
  backchannel: "backchannel-secret",
} as const;

/** How long an access token lives, in seconds: Keycloak's own default. */
export const TOKEN_LIFETIME = 300;

/** What cannot be written down beforehand. */
export interface RealmOptions {
  /** The public half of the key of `key-client`, as a JWK. */
  readonly publicKey: Record<string, unknown>;
}

/** The realm as Keycloak's administration takes it. */
export function realm({ publicKey }: RealmOptions): Record<string, unknown> {
  return {
    realm: REALM,
    enabled: true,
    sslRequired: "all",
    accessTokenLifespan: TOKEN_LIFETIME,
    // strict rotation: a refresh token works once, and a second use ends the sign-in
    revokeRefreshToken: true,
    refreshTokenMaxReuse: 0,
    oauth2DevicePollingInterval: 1,
    // what happened can be asked for: the tests count refreshes with it
    eventsEnabled: true,
    enabledEventTypes: ["REFRESH_TOKEN", "REFRESH_TOKEN_ERROR"],
    attributes: {
      cibaBackchannelTokenDeliveryMode: "poll",
      cibaExpiresIn: "120",
      cibaInterval: "1",
      cibaAuthRequestedUserHint: "login_hint",
    },
    roles: { realm: [{ name: "catalogue-reader" }, { name: "stac-admin-dev" }] },
    users: [
      person("alice", "Alice", ["catalogue-reader"]),
      person("bob", "Bob", []),
      { username: "service-account-apex-service", enabled: true, serviceAccountClientId: "apex-service" },
    ].map((user) =>
      user.username === "service-account-apex-service" ? { ...user, realmRoles: ["stac-admin-dev"] } : user
    ),
    clients: clients(publicKey),
    components: { "org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy": policies },
  };
}

function person(name: keyof typeof PEOPLE, firstName: string, realmRoles: readonly string[]) {
  const { username, password } = PEOPLE[name];
  return {
    username,
    enabled: true,
    firstName,
    lastName: "Example",
    email: `${username}@example.org`,
    emailVerified: true,
    credentials: [{ type: "password", value: password, temporary: false }],
    realmRoles: ["default-roles-apex", "offline_access", ...realmRoles],
  };
}

type Attributes = Readonly<Record<string, string>>;

function clients(publicKey: Record<string, unknown>): Record<string, unknown>[] {
  const device = { "oauth2.device.authorization.grant.enabled": "true" };
  const pkce = { "pkce.code.challenge.method": "S256" };
  const dpop = { "dpop.bound.access.tokens": "true" };
  const pushed = { "require.pushed.authorization.requests": "true" };
  const exchange = { "standard.token.exchange.enabled": "true" };
  const ciba = {
    "oidc.ciba.grant.enabled": "true",
    "ciba.backchannel.token.delivery.mode": "poll",
  };
  const keys = {
    "use.jwks.string": "true",
    "jwks.string": JSON.stringify({ keys: [publicKey] }),
    "token.endpoint.auth.signing.alg": "ES256",
  };
  const browser = { standardFlowEnabled: true, redirectUris: ["http://127.0.0.1/*"] };
  const machine = { publicClient: false, serviceAccountsEnabled: true };
  return [
    client("project-a-catalogue-dev-api", { ...device, ...pkce }),
    client("apex-service", {}, { ...machine, secret: SECRETS.service }),
    client("key-client", keys, { ...machine, clientAuthenticatorType: "client-jwt" }),
    client("password-client", {}, { directAccessGrantsEnabled: true }),
    client("browser-client", pkce, browser),
    client("asking-client", pkce, { ...browser, consentRequired: true }),
    client("pushed-client", { ...pkce, ...pushed }, browser),
    client("bound-client", { ...dpop, ...pkce }, { ...browser, directAccessGrantsEnabled: true }),
    client("exchange-client", exchange, { ...machine, secret: SECRETS.exchange }),
    client("backchannel-client", ciba, { publicClient: false, secret: SECRETS.backchannel }),
    // its tokens may be exchanged by exchange-client, and it is what they are exchanged for
    client("other-service", {}, { ...machine, secret: "other-secret" }),
  ];
}

function client(clientId: string, attributes: Attributes, more: Record<string, unknown> = {}) {
  return {
    clientId,
    enabled: true,
    publicClient: true,
    standardFlowEnabled: false,
    directAccessGrantsEnabled: false,
    fullScopeAllowed: true,
    attributes,
    ...more,
    ...(clientId === "password-client" ? { protocolMappers: [audience("exchange-client")] } : {}),
    ...(clientId === "exchange-client" ? { protocolMappers: [audience("other-service")] } : {}),
  };
}

/** Keycloak writes audiences by mapper; nothing that a client asks for changes them. */
function audience(name: string) {
  return {
    name: `audience ${name}`,
    protocol: "openid-connect",
    protocolMapper: "oidc-audience-mapper",
    config: {
      "included.client.audience": name,
      "access.token.claim": "true",
      "introspection.token.claim": "true",
    },
  };
}

/** Anybody on this machine may register a client; anybody else needs a token of the operator's. */
const policies = [{
  name: "Trusted Hosts",
  providerId: "trusted-hosts",
  subType: "anonymous",
  config: {
    "trusted-hosts": ["127.0.0.1", "localhost"],
    "host-sending-registration-request-must-match": ["true"],
    "client-uris-must-match": ["true"],
  },
}];
