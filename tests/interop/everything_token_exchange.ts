import { InvalidGrant } from "oidc-provider/lib/helpers/errors.js";
import { RESOURCE_SCOPES } from "./everything_features.ts";
import { resourceServerInfo } from "./provider_configuration.ts";
import type { Exchange, ProviderInstance, TokenModel } from "./provider_types.ts";

/** The grant type of RFC 8693. */
export const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";

/** A model with the lookup that the provider gives each of them. */
interface Findable {
  find(value: string): Promise<TokenModel | undefined>;
}

/** Adds the token exchange, which oidc-provider leaves to its operator: one access token for another. */
export function registerTokenExchange(provider: ProviderInstance): void {
  const parameters = [
    ...["subject_token", "subject_token_type", "actor_token", "actor_token_type"],
    ...["requested_token_type", "resource", "audience", "scope"],
  ];
  provider.registerGrantType(TOKEN_EXCHANGE, (exchange) => answer(provider, exchange), parameters);
}

async function answer(provider: ProviderInstance, exchange: Exchange): Promise<void> {
  const { client, params = {} } = exchange.oidc!;
  const { subject_token: subject, actor_token: actor, resource, scope } = params;
  const tokens = provider.AccessToken as unknown as Findable;
  const about = await tokens.find(subject ?? "");
  if (!about) throw new InvalidGrant("the subject token is not known");
  if (actor !== undefined && !await tokens.find(actor)) {
    throw new InvalidGrant("the actor token is not known");
  }
  const { accountId, grantId } = about;
  const token = new provider.AccessToken({ accountId, client, grantId, gty: "token_exchange", scope });
  if (resource) {
    token.resourceServer = new provider.ResourceServer(resource, resourceServerInfo(RESOURCE_SCOPES));
  }
  exchange.body = {
    access_token: await token.save(),
    issued_token_type: ACCESS_TOKEN,
    token_type: "Bearer",
    expires_in: token.expiration,
    scope,
  };
}
