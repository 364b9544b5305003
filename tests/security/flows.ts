/**
 * Every request that the package makes, each as a function of the issuer and the client, with secrets of its own.
 *
 * @module
 */

import {
  authorizationRequest,
  backchannelAuthentication,
  type Client,
  clientCredentialsGrant,
  deleteRegistration,
  deviceAuthorization,
  discover,
  discoverResource,
  extensionGrant,
  generateSigningKey,
  introspectToken,
  type Issuer,
  jwtBearerGrant,
  passwordGrant,
  readRegistration,
  refreshTokenGrant,
  registerClient,
  revokeToken,
  samlBearerGrant,
  type ServerMetadata,
  signAssertion,
  TOKEN_TYPES,
  tokenExchangeGrant,
  updateRegistration,
  userInfo,
} from "../../mod.ts";
import { REDIRECT } from "./support.ts";

let planted = 0;
/** A secret that is nowhere else: letters, digits and hyphens, so that it is its own form encoding. */
function secret(name: string): string {
  const random = Array.from(
    crypto.getRandomValues(new Uint8Array(8)),
    (byte) => byte.toString(36).padStart(2, "0"),
  ).join("");
  return `${random}-${++planted}-${name}-${[...random].reverse().join("")}`;
}

/** A secret with characters that a form, a URL and HTTP Basic each write in a way of their own. */
function oddSecret(name: string): string {
  return `${secret(name).replace("-", '+&%=:" é')}`;
}

/** What nobody may get to see: what people and programs hand to the package, and what servers do. */
export const SECRETS = {
  clientSecret: secret("client"),
  oddClientSecret: oddSecret("client"),
  longClientSecret: secret("client-secret-that-is-long-enough-to-sign"),
  password: oddSecret("password"),
  code: secret("code"),
  refreshToken: secret("refresh"),
  nextRefreshToken: secret("next-refresh"),
  accessToken: secret("access"),
  newAccessToken: secret("new-access"),
  subjectToken: secret("subject"),
  actorToken: secret("actor"),
  revokedToken: secret("revoked"),
  introspectedToken: secret("introspected"),
  userInfoToken: secret("userinfo"),
  jwtAssertion: `${secret("head")}.${secret("assertion")}.${secret("signature")}`,
  samlAssertion: `<Assertion>${secret("saml")}</Assertion>`,
  sharedSecret: secret("shared"),
  deviceCode: secret("device"),
  requestId: secret("backchannel"),
  loginHintToken: secret("hint"),
  userCode: secret("user-code"),
  initialToken: secret("initial"),
  registrationToken: secret("registration"),
  federatedAssertion: `${secret("head")}.${secret("federated")}.${secret("signature")}`,
  cookie: secret("cookie"),
} as const;

/** The server's own key. */
const key = await generateSigningKey();

/** What the server's paths answer when nothing is wrong. */
export const rightAnswers: Readonly<Record<string, (origin: string, now: number) => unknown>> = {
  "/token": async (origin, now) => ({
    access_token: SECRETS.newAccessToken,
    token_type: "Bearer",
    expires_in: 300,
    refresh_token: SECRETS.nextRefreshToken,
    id_token: await signAssertion(key, { issuer: origin, subject: "ada", audience: "app", now: now / 1000 }),
    issued_token_type: TOKEN_TYPES.accessToken,
  }),
  "/jwks": () => ({ keys: [key.publicJwk] }),
  "/device": (origin) => ({
    device_code: SECRETS.deviceCode,
    user_code: "A",
    verification_uri: `${origin}/`,
    expires_in: 60,
  }),
  "/backchannel": () => ({ auth_req_id: SECRETS.requestId, expires_in: 60 }),
  // so that the second place is looked at
  "/.well-known/openid-configuration": () => undefined,
};

/** The metadata of a server at `origin`. */
export function metadataOf(origin: string): ServerMetadata {
  return {
    issuer: origin,
    authorization_endpoint: `${origin}/authorize`,
    token_endpoint: `${origin}/token`,
    jwks_uri: `${origin}/jwks`,
    device_authorization_endpoint: `${origin}/device`,
    pushed_authorization_request_endpoint: `${origin}/par`,
    backchannel_authentication_endpoint: `${origin}/backchannel`,
    revocation_endpoint: `${origin}/revoke`,
    introspection_endpoint: `${origin}/introspect`,
    userinfo_endpoint: `${origin}/userinfo`,
    registration_endpoint: `${origin}/register`,
    id_token_signing_alg_values_supported: ["ES256"],
  };
}

/** One request, after those that lead to it. */
export interface Flow {
  /** Where it goes. */
  readonly path: string;
  readonly run: (issuer: Issuer, client: Client) => Promise<unknown>;
}

const registered = (issuer: Issuer) => ({
  clientId: "app",
  metadata: {},
  registrationClientUri: `${issuer.issuer}/register/app`,
  registrationAccessToken: SECRETS.registrationToken,
});
const hint = { loginHintToken: SECRETS.loginHintToken, userCode: SECRETS.userCode };

/** All of them. */
export const flows: Readonly<Record<string, Flow>> = {
  discovery: {
    path: "/.well-known/openid-configuration",
    run: (issuer) => discover(issuer.issuer, issuer.http),
  },
  "discovery in the second place": {
    path: "/.well-known/oauth-authorization-server",
    run: (issuer) => discover(issuer.issuer, issuer.http),
  },
  "an API's metadata": {
    path: "/.well-known/oauth-protected-resource",
    run: (issuer) => discoverResource(issuer.issuer, issuer.http),
  },
  JWKS: {
    path: "/jwks",
    run: (issuer, client) => refreshTokenGrant(issuer, client, { refreshToken: SECRETS.refreshToken }),
  },
  "client credentials": { path: "/token", run: (issuer, client) => clientCredentialsGrant(issuer, client) },
  "a refresh": {
    path: "/token",
    run: (issuer, client) => refreshTokenGrant(issuer, client, { refreshToken: SECRETS.refreshToken }),
  },
  "a password": {
    path: "/token",
    run: (issuer, client) => passwordGrant(issuer, client, { username: "ada", password: SECRETS.password }),
  },
  "an authorization code": {
    path: "/token",
    run: async (issuer, client) => {
      const { url, redeem } = await authorizationRequest(issuer, client, { redirectUri: REDIRECT });
      return await redeem(
        new URLSearchParams({ code: SECRETS.code, state: new URL(url).searchParams.get("state")! }),
      );
    },
  },
  "a device code": {
    path: "/token",
    run: async (issuer, client) => await (await deviceAuthorization(issuer, client)).wait(),
  },
  CIBA: {
    path: "/token",
    run: async (issuer, client) => await (await backchannelAuthentication(issuer, client, hint)).wait(),
  },
  "a token exchange": {
    path: "/token",
    run: (issuer, client) => {
      const { subjectToken, actorToken } = SECRETS;
      return tokenExchangeGrant(issuer, client, {
        subjectToken,
        actorToken,
        actorTokenType: TOKEN_TYPES.jwt,
      });
    },
  },
  "a JWT assertion": {
    path: "/token",
    run: (issuer, client) => jwtBearerGrant(issuer, client, { assertion: SECRETS.jwtAssertion }),
  },
  "a SAML assertion": {
    path: "/token",
    run: (issuer, client) => samlBearerGrant(issuer, client, { assertion: SECRETS.samlAssertion }),
  },
  "another grant": {
    path: "/token",
    run: (issuer, client) => {
      return extensionGrant(issuer, client, {
        grantType: "urn:x",
        extra: { shared_secret: SECRETS.sharedSecret },
      });
    },
  },
  "a device authorization": { path: "/device", run: (issuer, client) => deviceAuthorization(issuer, client) },
  "a pushed request": {
    path: "/par",
    run: (issuer, client) => authorizationRequest(issuer, client, { redirectUri: REDIRECT, pushed: true }),
  },
  "a signed pushed request": {
    path: "/par",
    run: (issuer, client) =>
      authorizationRequest(issuer, client, { redirectUri: REDIRECT, pushed: true, requestObjectKey: key }),
  },
  "a backchannel request": {
    path: "/backchannel",
    run: (issuer, client) => backchannelAuthentication(issuer, client, hint),
  },
  "a revocation": {
    path: "/revoke",
    run: (issuer, client) => revokeToken(issuer, client, SECRETS.revokedToken),
  },
  "an introspection": {
    path: "/introspect",
    run: (issuer, client) => introspectToken(issuer, client, SECRETS.introspectedToken),
  },
  userinfo: { path: "/userinfo", run: (issuer, client) => userInfo(issuer, client, SECRETS.userInfoToken) },
  "a registration": {
    path: "/register",
    run: (issuer) => registerClient(issuer, {}, { initialAccessToken: SECRETS.initialToken }),
  },
  "a registration's reading": {
    path: "/register/app",
    run: (issuer) => readRegistration(issuer, registered(issuer)),
  },
  "a registration's change": {
    path: "/register/app",
    run: (issuer) => updateRegistration(issuer, registered(issuer), {}),
  },
  "a registration's end": {
    path: "/register/app",
    run: (issuer) => deleteRegistration(issuer, registered(issuer)),
  },
};
