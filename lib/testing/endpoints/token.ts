/**
 * The token endpoint (RFC 6749 section 3.2): authenticates the client, checks the proof, hands over to the grant.
 *
 * @module
 */

import { json, refusal } from "../answers.ts";
import { type Call, postedForm, required } from "../call.ts";
import { authenticateClient, type AuthenticatedClient, mayUse } from "../client_authentication.ts";
import { checkProof, nonceHeader } from "../dpop.ts";
import { assertion, JWT_BEARER, SAML_BEARER } from "../grants/assertion.ts";
import { authorizationCode } from "../grants/authorization_code.ts";
import { clientCredentials } from "../grants/client_credentials.ts";
import { extension } from "../grants/extension.ts";
import { password } from "../grants/password.ts";
import { CIBA, DEVICE_CODE, polled } from "../grants/polled.ts";
import { refreshToken } from "../grants/refresh_token.ts";
import { TOKEN_EXCHANGE, tokenExchange } from "../grants/token_exchange.ts";
import type { JsonObject } from "../jwt.ts";
import type { State } from "../state.ts";
import type { Binding } from "../tokens.ts";

/** A token request whose client is known. */
export interface TokenRequest extends AuthenticatedClient {
  readonly call: Call;
  readonly parameters: URLSearchParams;
  readonly grantType: string;
  /** What its tokens are bound to. */
  readonly binding: Binding;
}

/** Turns a token request into the JSON of the answer. */
export type GrantHandler = (request: TokenRequest) => Promise<JsonObject>;

const GRANTS: ReadonlyMap<string, GrantHandler> = new Map([
  ["authorization_code", authorizationCode],
  ["refresh_token", refreshToken],
  ["client_credentials", clientCredentials],
  ["password", password],
  [DEVICE_CODE, polled],
  [CIBA, polled],
  [TOKEN_EXCHANGE, tokenExchange],
  [JWT_BEARER, assertion],
  [SAML_BEARER, assertion],
]);

/** The `grant_type` values that the server takes. */
export function grantTypes(state: State): string[] {
  const own = [...GRANTS.keys()].filter((name) => name !== CIBA || state.flavor.supports.ciba);
  return [...own, ...Object.keys(state.settings.extensionGrants)];
}

/** Answers a token request. */
export async function token(call: Call): Promise<Response> {
  const { state } = call;
  const parameters = postedForm(call);
  const authenticated = await authenticateClient(call, parameters);
  const grantType = required(parameters, "grant_type");
  if (!grantTypes(state).includes(grantType)) {
    throw refusal("unsupported_grant_type", "There is no such grant here");
  }
  if (!mayUse(authenticated.client, grantType)) {
    throw refusal("unauthorized_client", "The client may not use this grant");
  }
  const binding = await bindingOf(call, authenticated);
  const handler = GRANTS.get(grantType) ?? extension;
  const answer = await handler({ ...authenticated, call, parameters, grantType, binding });
  return json(answer, { headers: { pragma: "no-cache", ...nonceHeader(state, "server") } });
}

/**
 * What the tokens will be bound to: the key of the proof, or the certificate.
 *
 * @throws a refusal: `invalid_dpop_proof`, `use_dpop_nonce`
 */
export async function bindingOf(call: Call, { client, x5t }: AuthenticatedClient): Promise<Binding> {
  const { jkt, fault } = await checkProof(call, "server");
  if (fault !== undefined) {
    throw refusal(fault.error, fault.description, { headers: nonceHeader(call.state, "server") });
  }
  if (jkt !== undefined) return { jkt };
  if (client.dpopBound) throw refusal("invalid_dpop_proof", "The client must send a DPoP proof");
  return client.certificateBound && x5t !== undefined ? { x5t } : {};
}
