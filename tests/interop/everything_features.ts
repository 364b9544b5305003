import { Buffer } from "node:buffer";
import { randomBytes, type X509Certificate } from "node:crypto";
import { resourceServerInfo } from "./provider_configuration.ts";
import { deviceFlowPages, logoutPages } from "./provider_interactions.ts";
import type { ClientModel, Exchange, TokenModel } from "./provider_types.ts";

/** What a registration must show (RFC 7591 section 3). */
export const INITIAL_ACCESS_TOKEN = "given-out-by-the-operator";

/** The scopes of every resource (RFC 8707). */
export const RESOURCE_SCOPES = ["storage.read:/", "storage.modify:/"];

/** A request that waits for a person on another device, as oidc-provider hands it over. */
export interface BackchannelRequest {
  readonly jti: string;
  readonly accountId: string;
  readonly clientId: string;
  readonly scope: string;
  readonly params: Readonly<Record<string, string | undefined>>;
}

/** The certificate that a connection came with. */
export interface Peer {
  /** Absent when the client showed none. */
  readonly certificate?: X509Certificate;
  /** Whether an authority that the server knows has issued it. */
  readonly authorized: boolean;
}

/** What the features reach outside the provider. */
export interface Reach {
  readonly peerOf: (exchange: Exchange) => Peer;
  readonly askPerson: (request: BackchannelRequest) => void;
}

/** oidc-provider `features`: everything that a client can meet is on. */
export function everyFeature(reach: Reach): Record<string, unknown> {
  const on = { enabled: true };
  return {
    ciba: ciba(reach),
    claimsParameter: on,
    clientCredentials: on,
    devInteractions: { enabled: false },
    deviceFlow: { ...on, ...deviceFlowPages },
    encryption: on,
    dPoP: { ...on, nonceSecret: Buffer.from(randomBytes(32)), requireNonce: () => true },
    fapi: { ...on, profile: "2.0" },
    introspection: { ...on, allowedPolicy: () => true },
    jwtIntrospection: on,
    jwtResponseModes: on,
    jwtUserinfo: on,
    mTLS: mutualTls(reach),
    pushedAuthorizationRequests: { ...on, requirePushedAuthorizationRequests: true },
    registration: { ...on, initialAccessToken: INITIAL_ACCESS_TOKEN },
    registrationManagement: { ...on, rotateRegistrationAccessToken: true },
    requestObjects: on,
    resourceIndicators: resourceIndicators(),
    revocation: {
      ...on,
      allowedPolicy: (_exchange: Exchange, client: ClientModel, token: { clientId: string }) =>
        client.clientId === token.clientId,
    },
    richAuthorizationRequests: richAuthorizationRequests(),
    rpInitiatedLogout: { ...on, ...logoutPages },
    userinfo: on,
  };
}

function ciba({ askPerson }: Reach): Record<string, unknown> {
  return {
    enabled: true,
    deliveryModes: ["poll"],
    processLoginHint: (_exchange: Exchange, hint: string) => hint,
    processLoginHintToken: () => undefined,
    validateBindingMessage: () => {},
    validateRequestContext: () => {},
    verifyUserCode: () => {},
    triggerAuthenticationDevice: (_exchange: Exchange, request: BackchannelRequest) => askPerson(request),
  };
}

function mutualTls({ peerOf }: Reach): Record<string, unknown> {
  return {
    enabled: true,
    certificateBoundAccessTokens: true,
    selfSignedTlsClientAuth: true,
    tlsClientAuth: true,
    getCertificate: (exchange: Exchange) => peerOf(exchange).certificate,
    certificateAuthorized: (exchange: Exchange) => peerOf(exchange).authorized,
    certificateSubjectMatches: (exchange: Exchange, property: string, expected: string) =>
      property === "tls_client_auth_san_dns" &&
      peerOf(exchange).certificate?.subjectAltName?.split(", ").includes(`DNS:${expected}`) === true,
  };
}

/** A token is for a resource only where one is named; any other is opaque and good for the UserInfo endpoint. */
function resourceIndicators(): Record<string, unknown> {
  return {
    enabled: true,
    defaultResource: (_exchange: Exchange, _client: ClientModel, oneOf?: string[]) => oneOf?.[0],
    useGrantedResource: () => true,
    getResourceServerInfo: (_exchange: Exchange, resource: string) =>
      resourceServerInfo(
        RESOURCE_SCOPES,
        resource.startsWith("urn:opaque:") ? { accessTokenFormat: "opaque" } : {},
      ),
  };
}

type Details = readonly Record<string, unknown>[];

/** What was asked for is granted, word for word. */
function richAuthorizationRequests(): Record<string, unknown> {
  const asked = (exchange: Exchange): Details | undefined => {
    const { authorization_details: text } = exchange.oidc?.params ?? {};
    return text === undefined ? undefined : JSON.parse(text);
  };
  return {
    enabled: true,
    types: { storage: { validate: () => {} } },
    authorizationDetailsForGrantSource: asked,
    authorizationDetailsForAccessToken: (
      exchange: Exchange,
      _token: TokenModel,
      source?: { readonly rar?: Details },
    ) => asked(exchange) ?? source?.rar,
    authorizationDetailsForIntrospection: (_exchange: Exchange, token: { readonly rar?: Details }) =>
      token.rar,
  };
}
