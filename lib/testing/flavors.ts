/**
 * What tells one server from another when a client looks at it.
 *
 * @module
 */

import type { AuthorizationServerOptions, FlavorName, RefreshTokenPolicy } from "./options.ts";

/** The paths of the endpoints, from the issuer. */
export interface EndpointPaths {
  readonly authorization: string;
  readonly token: string;
  readonly jwks: string;
  readonly device_authorization: string;
  readonly verification: string;
  readonly pushed_authorization: string;
  readonly backchannel_authentication: string;
  readonly revocation: string;
  readonly introspection: string;
  readonly userinfo: string;
  readonly registration: string;
  readonly end_session: string;
}

/** The visible habits of a server. */
export interface Flavor {
  readonly paths: EndpointPaths;
  /** Discovery and ID tokens end the issuer with a slash; access tokens carry it as it was configured. */
  readonly slashedDiscovery: boolean;
  readonly supports: { readonly par: boolean; readonly dpop: boolean; readonly ciba: boolean };
  /** Tells an `interval` and enforces it with `slow_down`. */
  readonly devicePacing: boolean;
  /** What an unknown client gets at the device authorization endpoint. */
  readonly unknownDeviceClientStatus: number;
  /** Refresh tokens only for `offline_access`. */
  readonly refreshNeedsOfflineAccess: boolean;
  /** With `"reuse"`: what a refresh answers. */
  readonly reuseAnswer: "nothing" | "the same" | "another";
  /** A replayed refresh token ends the whole family. */
  readonly replayRevokesFamily: boolean;
  /** A refresh token from an exchange comes beside an access token, not in its place (RFC 8693 section 2.2.1). */
  readonly exchangedRefreshTokenBeside: boolean;
  /** The `typ` of a JWT access token. */
  readonly accessTokenType: "at+jwt" | "JWT";
  /** Registers clients by the rules of INDIGO IAM. */
  readonly restrictiveRegistration: boolean;
  /** A `resource` counts only when it was asked for at the sign-in, even if none was. */
  readonly resourceBoundAtSignIn: boolean;
  /** What the metadata say of PKCE; `plain` is refused all the same. */
  readonly challengeMethods: readonly string[];
  /** Members that its token answers have besides. */
  readonly tokenAnswer: (refreshExpiresIn: number | undefined, sid: string) => Record<string, unknown>;
  readonly texts: {
    readonly pending: (deviceCode: string) => string;
    readonly expired: (deviceCode: string) => string;
    readonly badClient: string;
    readonly deadRefreshToken: string;
    readonly replayedRefreshToken: string;
  };
  readonly defaults: {
    readonly refreshTokens: RefreshTokenPolicy;
    readonly audienceDialect: NonNullable<AuthorizationServerOptions["audienceDialect"]>;
    readonly assertionAudience: NonNullable<AuthorizationServerOptions["assertionAudience"]>;
  };
}

const plain: Flavor = {
  paths: {
    authorization: "/authorize",
    token: "/token",
    jwks: "/jwks",
    device_authorization: "/device_authorization",
    verification: "/device",
    pushed_authorization: "/par",
    backchannel_authentication: "/backchannel",
    revocation: "/revoke",
    introspection: "/introspect",
    userinfo: "/userinfo",
    registration: "/register",
    end_session: "/end_session",
  },
  slashedDiscovery: false,
  supports: { par: true, dpop: true, ciba: true },
  devicePacing: true,
  unknownDeviceClientStatus: 401,
  refreshNeedsOfflineAccess: false,
  reuseAnswer: "nothing",
  replayRevokesFamily: true,
  exchangedRefreshTokenBeside: false,
  accessTokenType: "at+jwt",
  restrictiveRegistration: false,
  resourceBoundAtSignIn: false,
  challengeMethods: ["S256"],
  tokenAnswer: () => ({}),
  texts: {
    pending: () => "The person has not decided yet",
    expired: () => "The code has expired",
    badClient: "Client authentication failed",
    deadRefreshToken: "The refresh token is not valid",
    replayedRefreshToken: "The refresh token was already used",
  },
  defaults: { refreshTokens: "rotate-strict", audienceDialect: "both", assertionAudience: "issuer" },
};

const keycloak: Flavor = {
  ...plain,
  paths: {
    authorization: "/protocol/openid-connect/auth",
    token: "/protocol/openid-connect/token",
    jwks: "/protocol/openid-connect/certs",
    device_authorization: "/protocol/openid-connect/auth/device",
    verification: "/device",
    pushed_authorization: "/protocol/openid-connect/ext/par/request",
    backchannel_authentication: "/protocol/openid-connect/ext/ciba/auth",
    revocation: "/protocol/openid-connect/revoke",
    introspection: "/protocol/openid-connect/token/introspect",
    userinfo: "/protocol/openid-connect/userinfo",
    registration: "/clients-registrations/openid-connect",
    end_session: "/protocol/openid-connect/logout",
  },
  reuseAnswer: "another",
  exchangedRefreshTokenBeside: true,
  accessTokenType: "JWT",
  tokenAnswer: (refreshExpiresIn, sid) => ({
    ...(refreshExpiresIn === undefined ? {} : { refresh_expires_in: refreshExpiresIn }),
    "not-before-policy": 0,
    session_state: sid,
  }),
  texts: {
    pending: () => "The authorization request is still pending",
    expired: () => "Device code is expired",
    badClient: "Invalid client or Invalid client credentials",
    deadRefreshToken: "Session not active",
    replayedRefreshToken: "Maximum allowed refresh token reuse exceeded",
  },
  defaults: { refreshTokens: "reuse", audienceDialect: "ignore", assertionAudience: "issuer" },
};

const indigoIam: Flavor = {
  ...plain,
  paths: {
    ...plain.paths,
    jwks: "/jwk",
    device_authorization: "/devicecode",
    registration: "/iam/api/client-registration",
    end_session: "/endsession",
  },
  slashedDiscovery: true,
  supports: { par: false, dpop: false, ciba: false },
  devicePacing: false,
  unknownDeviceClientStatus: 404,
  refreshNeedsOfflineAccess: true,
  reuseAnswer: "the same",
  replayRevokesFamily: false,
  restrictiveRegistration: true,
  resourceBoundAtSignIn: true,
  challengeMethods: ["plain", "S256"],
  texts: {
    pending: (deviceCode) => `Authorization pending for code: ${deviceCode}`,
    expired: (deviceCode) => `Device code has expired: ${deviceCode}`,
    badClient: "Bad client credentials",
    deadRefreshToken: "Invalid refresh token",
    replayedRefreshToken: "Invalid refresh token",
  },
  defaults: { refreshTokens: "reuse", audienceDialect: "both", assertionAudience: "token-endpoint" },
};

/** The habits of the server of that name. */
export function flavor(name: FlavorName): Flavor {
  return name === "keycloak" ? keycloak : name === "indigo-iam" ? indigoIam : plain;
}
