/**
 * The options with their defaults.
 *
 * @module
 */

import { systemClock } from "../clock.ts";
import { TokenError } from "../errors.ts";
import type { Flavor } from "./flavors.ts";
import type { AuthorizationServerOptions, TestClient, TestUser } from "./options.ts";

/** The options with their defaults. */
export type Settings =
  & Required<
    Omit<AuthorizationServerOptions, "clients" | "users" | "flavor" | "scopesSupported" | "elsewhere">
  >
  & Pick<AuthorizationServerOptions, "scopesSupported" | "elsewhere">;

/** Who signs in when a test names nobody. */
export const DEFAULT_USERS: readonly TestUser[] = [{
  subject: "ada",
  username: "ada",
  password: "lovelace",
  claims: { name: "Ada Lovelace", preferred_username: "ada", email: "ada@example.org", email_verified: true },
}];

/** One public and one confidential client. */
export const DEFAULT_CLIENTS: readonly TestClient[] = [
  { clientId: "app" },
  { clientId: "service", secret: "service-secret" },
];

/**
 * Fills in what a test left out.
 *
 * @throws {TokenError} `invalid_argument` when the issuer is no URL, or has a query or a fragment
 */
export function withDefaults(options: AuthorizationServerOptions, habits: Flavor): Settings {
  const issuer = options.issuer ?? "https://as.test";
  if (!URL.canParse(issuer) || /[?#]/.test(issuer)) {
    throw new TokenError(
      "invalid_argument",
      "Cannot use that issuer: it is not a URL without query and fragment",
    );
  }
  const { scopesSupported, elsewhere } = options;
  return {
    issuer,
    accessTokenLifetime: options.accessTokenLifetime ?? 300,
    refreshTokenLifetime: options.refreshTokenLifetime ?? 30 * 24 * 3600,
    refreshTokens: options.refreshTokens ?? habits.defaults.refreshTokens,
    graceSeconds: options.graceSeconds ?? 30,
    maxReuse: options.maxReuse ?? 0,
    idTokenAlg: options.idTokenAlg ?? "ES256",
    jwtAccessTokens: options.jwtAccessTokens ?? true,
    interval: options.interval ?? 5,
    deviceCodeLifetime: options.deviceCodeLifetime ?? 600,
    authorizationCodeLifetime: options.authorizationCodeLifetime ?? 60,
    requirePushedAuthorization: options.requirePushedAuthorization ?? false,
    requireDpopNonce: options.requireDpopNonce ?? false,
    requirePkce: options.requirePkce ?? true,
    requireDevicePkce: options.requireDevicePkce ?? false,
    issParameter: options.issParameter ?? true,
    audienceDialect: options.audienceDialect ?? habits.defaults.audienceDialect,
    assertionAudience: options.assertionAudience ?? habits.defaults.assertionAudience,
    mtlsAliases: options.mtlsAliases ?? true,
    resource: options.resource ?? new URL("/api", issuer).href,
    resourceScope: options.resourceScope ?? "",
    registration: options.registration ?? "open",
    initialAccessToken: options.initialAccessToken ?? "initial-access-token",
    trustedIssuers: options.trustedIssuers ?? [],
    extensionGrants: options.extensionGrants ?? {},
    clock: options.clock ?? systemClock,
    ...(scopesSupported === undefined ? {} : { scopesSupported }),
    ...(elsewhere === undefined ? {} : { elsewhere }),
  };
}
