/**
 * An OAuth 2 and OpenID Connect authorization server for tests: in memory, reached by a `fetch` function, with faults
 * on demand. It checks what clients send as strictly as the standards permit and answers errors as they say.
 *
 * ```ts
 * import { authorizationServer } from "@apex/token/testing";
 *
 * const server = await authorizationServer({ clients: [{ clientId: "app" }] });
 * server.fault("token", { type: "status", status: 503, headers: { "retry-after": "2" } });
 * // give server.issuer and server.fetch to the code under test, then look at
 * server.count("token", "refresh_token");
 * server.families;
 * ```
 *
 * @module
 */

export type { Clock } from "../clock.ts";
export { authorizationServer } from "./server.ts";
export type { AuthorizationServer, IssueOptions, RefreshTokenFamily } from "./authorization_server.ts";
export type { Decision, IdTokenFault, RecordedRequest } from "./call.ts";
export type { EndpointName } from "./endpoint_urls.ts";
export type { Fault, FaultOptions } from "./faults.ts";
export type { JsonWebKey } from "../oauth/json_web_key.ts";
export type { JsonWebKeySet, PublicJsonWebKey } from "./keys.ts";
export type {
  AuthorizationServerOptions,
  ClientAuthenticationMethod,
  ExtensionGrantResult,
  FlavorName,
  RefreshTokenPolicy,
  SigningAlgorithm,
  TestClient,
  TestUser,
  TrustedIssuer,
} from "./options.ts";
export type { WaitingSignIn } from "./people.ts";
export type { Fetch } from "./transport.ts";
