import { InvalidGrant, InvalidRequest } from "oidc-provider/lib/helpers/errors.js";
import { PASSWORD_USER } from "./provider_clients.ts";
import { accountClaims, DEFAULT_RESOURCE, resourceServerInfo } from "./provider_configuration.ts";
import type { Exchange, ProviderInstance } from "./provider_types.ts";

/** Adds the password grant (RFC 6749 section 4.3), which oidc-provider leaves to its operator. */
export function registerPasswordGrant(
  provider: ProviderInstance,
  onGrant: (grantId: string, parameters: Record<string, string | undefined>) => void,
): void {
  const parameters = ["username", "password", "scope", "audience", "resource"];
  provider.registerGrantType("password", (exchange) => answer(provider, exchange, onGrant), parameters);
}

async function answer(
  provider: ProviderInstance,
  exchange: Exchange,
  onGrant: (grantId: string, parameters: Record<string, string | undefined>) => void,
): Promise<void> {
  const { client, params = {} } = exchange.oidc!;
  const { username, password, scope = "", resource = DEFAULT_RESOURCE } = params;
  if (!username || !password) throw new InvalidRequest("missing required parameter(s)");
  if (username !== PASSWORD_USER.username || password !== PASSWORD_USER.password) {
    throw new InvalidGrant("Invalid user credentials");
  }
  const grant = new provider.Grant({ accountId: username, clientId: client.clientId });
  grant.addOIDCScope(scope);
  grant.addResourceScope(resource, scope);
  const grantId = await grant.save();
  onGrant(grantId, params);
  const common = { accountId: username, client, grantId, gty: "password", scope };
  const accessToken = new provider.AccessToken(common);
  const info = resourceServerInfo(scope.split(" "));
  accessToken.resourceServer = new provider.ResourceServer(resource, info);
  const wanted = new Set(scope.split(" "));
  exchange.body = {
    access_token: await accessToken.save(),
    token_type: "Bearer",
    expires_in: accessToken.expiration,
    scope,
    refresh_token: wanted.has("offline_access")
      ? await new provider.RefreshToken({ ...common, resource, rotations: 0 }).save()
      : undefined,
    id_token: wanted.has("openid") ? await idToken(provider, exchange, username, scope) : undefined,
  };
}

async function idToken(
  provider: ProviderInstance,
  exchange: Exchange,
  accountId: string,
  scope: string,
): Promise<string> {
  const token = new provider.IdToken(accountClaims(accountId), { ctx: exchange });
  token.scope = scope;
  return await token.issue({ use: "idtoken" });
}
