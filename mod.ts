/**
 * OpenID Connect tokens for whatever asks: an OAuth 2 client on Web standards that runs in Deno, Bun, Node, browsers
 * and Workers.
 *
 * ```ts ignore
 * import { clientCredentials, clientSecretPost, discover, tokenSource } from "@apex/token";
 *
 * const issuer = await discover("https://auth.apex.esa.int/realms/apex");
 * const client = { clientId: "my-service", authentication: clientSecretPost("…") };
 * const source = tokenSource(issuer, client, clientCredentials({ scope: "openid roles" }));
 * const { accessToken, expiresAt } = await source.get({ minValidity: 60 });
 * const answer = await source.fetch("https://catalogue.example.apex.esa.int/collections");
 * ```
 *
 * Run as a program (`deno run -A jsr:@apex/token get`) it is the command line.
 *
 * @module
 */

import { loadedFrom } from "./lib/version.ts";

export { type Clock, systemClock } from "./lib/clock.ts";
export { type ErrorCode, isTokenError, TokenError, type TokenErrorOptions } from "./lib/errors.ts";
export { type Fetch, type Http, type HttpOptions } from "./lib/http/http.ts";

export { type Client } from "./lib/oauth/client.ts";
export {
  type AuthenticatedRequest,
  type ClientAuthentication,
  clientSecretBasic,
  clientSecretPost,
  none,
  type SecretSource,
} from "./lib/oauth/client_authentication.ts";
export {
  discover,
  type DiscoverOptions,
  type Issuer,
  issuerFromMetadata,
  type IssuerOptions,
  type ServerMetadata,
} from "./lib/oauth/issuer.ts";
export { type OptionalQuirk, type QuirkName, type Quirks, type ToleratedQuirk } from "./lib/oauth/quirks.ts";
export { type Delivery } from "./lib/oauth/authorization_url.ts";
export { clientSecretJwt, federatedAssertion, privateKeyJwt } from "./lib/oauth/client_assertion.ts";
export { type DpopKey, dpopKey, type ProofRequest } from "./lib/oauth/dpop.ts";
export { type EndSessionParameters, endSessionUrl } from "./lib/oauth/end_session.ts";
export { type Introspection, type IntrospectionOptions, introspectToken } from "./lib/oauth/introspection.ts";
export { type JsonWebKey } from "./lib/oauth/json_web_key.ts";
export { unverifiedClaims, unverifiedHeader } from "./lib/oauth/jwt.ts";
export { mutualTls, selfSignedTlsClientAuth, tlsClientAuth } from "./lib/oauth/mutual_tls.ts";
export {
  discoverFromResource,
  discoverResource,
  type ProtectedResource,
  type ResourceIssuer,
} from "./lib/oauth/protected_resource.ts";
export {
  type ClientMetadata,
  deleteRegistration,
  readRegistration,
  registerClient,
  type RegisterClientOptions,
  type RegisteredClient,
  updateRegistration,
} from "./lib/oauth/registration.ts";
export { revokeToken, type TokenHintOptions } from "./lib/oauth/revocation.ts";
export {
  generateSigningKey,
  type SigningAlgorithm,
  type SigningKey,
  signingKey,
  type SigningKeyOptions,
} from "./lib/oauth/signing_key.ts";
export { type UserInfo, userInfo, type UserInfoOptions } from "./lib/oauth/user_info.ts";
export {
  type AuthorizationDetail,
  type RequestOptions,
  type TokenParameters,
} from "./lib/oauth/token_request.ts";
export { type IdTokenClaims, type TokenSet } from "./lib/oauth/token_set.ts";

export {
  type AssertionClaims,
  type AssertionParameters,
  jwtBearerGrant,
  samlBearerGrant,
  signAssertion,
} from "./lib/oauth/grants/assertion.ts";
export {
  type AuthorizationParameters,
  type AuthorizationRequest,
  authorizationRequest,
} from "./lib/oauth/grants/authorization_code.ts";
export {
  type BackchannelAuthentication,
  backchannelAuthentication,
  type BackchannelParameters,
} from "./lib/oauth/grants/backchannel.ts";
export { clientCredentialsGrant } from "./lib/oauth/grants/client_credentials.ts";
export { type DeviceAuthorization, deviceAuthorization } from "./lib/oauth/grants/device_code.ts";
export { extensionGrant, type ExtensionParameters } from "./lib/oauth/grants/extension.ts";
export { passwordGrant, type PasswordParameters } from "./lib/oauth/grants/password.ts";
export { refreshTokenGrant, type RefreshTokenParameters } from "./lib/oauth/grants/refresh_token.ts";
export {
  type ExchangedToken,
  TOKEN_TYPES,
  tokenExchangeGrant,
  type TokenExchangeParameters,
} from "./lib/oauth/grants/token_exchange.ts";

export {
  clientCredentials,
  type Grant,
  type GrantRequest,
  jwtBearer,
  refreshToken,
  type RefreshTokenDefaults,
  tokenExchange,
} from "./lib/session/grant.ts";
export { type AccessToken, type GetOptions, type TokenCache, tokenCache } from "./lib/session/token_cache.ts";
export { type TokenSource, tokenSource } from "./lib/session/token_source.ts";

// Started as a program, this module is the command line. The names are put together at run time so that no bundle of a
// user's program carries or looks for it (inside such a bundle every module has the same URL), and so that Deno does not
// look through every command before it answers with a token that is at hand.
if (
  (import.meta as { main?: boolean }).main && loadedFrom !== import.meta.url &&
  /\/mod\.[jt]s$/.test(import.meta.url)
) {
  const load = (path: string) => import(/* webpackIgnore: true */ /* @vite-ignore */ path);
  const [quick, whole] = ["fast_get", "start"].map((name) => `./lib/cli/${name}${import.meta.url.slice(-3)}`);
  load(quick).then(async ({ fastGet }) => await fastGet() || (await load(whole)).start());
}
