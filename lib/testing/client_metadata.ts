/**
 * Clients that register themselves: what they may say, and what it makes of them (RFC 7591 section 2).
 *
 * @module
 */

import { refusal } from "./answers.ts";
import { isObject, type JsonObject } from "./jwt.ts";
import type { JsonWebKeySet } from "./keys.ts";
import type { ClientAuthenticationMethod, TestClient } from "./options.ts";
import type { State } from "./state.ts";

/** What IAM gives to those who ask for no scope. */
const IAM_SCOPE = "openid profile email address phone";
/** What IAM gives to nobody who registers without an administrator. */
const IAM_FORBIDDEN = ["password", "client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"];

const SECRET_METHODS = ["client_secret_basic", "client_secret_post", "client_secret_jwt"];
const METHODS = [
  "none",
  "private_key_jwt",
  "tls_client_auth",
  "self_signed_tls_client_auth",
  ...SECRET_METHODS,
];

/**
 * The metadata that a client gets for what it asked for: defaults filled in, the rest as the server decides.
 *
 * @throws a refusal: `invalid_client_metadata`, `invalid_redirect_uri`
 */
export function registeredMetadata(state: State, asked: unknown): JsonObject {
  if (!isObject(asked)) throw invalid("The body is not a JSON object");
  const metadata: JsonObject = {
    token_endpoint_auth_method: "client_secret_basic",
    grant_types: ["authorization_code"],
    response_types: ["code"],
    ...asked,
  };
  const method = String(metadata.token_endpoint_auth_method);
  if (!METHODS.includes(method)) throw invalid("There is no such token_endpoint_auth_method");
  if (!isStrings(metadata.grant_types)) throw invalid("grant_types is not an array of strings");
  if (metadata.redirect_uris !== undefined && !isStrings(metadata.redirect_uris)) {
    throw invalid("redirect_uris is not an array of strings");
  }
  const redirectUris = metadata.redirect_uris ?? [];
  const bad = redirectUris.find((uri) => !URL.canParse(uri) || uri.includes("#"));
  if (bad !== undefined) {
    throw refusal("invalid_redirect_uri", "A redirect URI is not a URI without fragment");
  }
  if (metadata.grant_types.includes("authorization_code") && redirectUris.length === 0) {
    const description = "A redirect URI is needed for authorization_code";
    // IAM's `error` is a sentence, not a code.
    throw state.flavor.restrictiveRegistration
      ? refusal("Invalid client: redirect_uris must not be empty for authorization_code", "")
      : refusal("invalid_redirect_uri", description);
  }
  if (method === "private_key_jwt" && keySet(metadata.jwks) === undefined) {
    throw invalid("private_key_jwt needs jwks; a jwks_uri cannot be read here");
  }
  return state.flavor.restrictiveRegistration ? restricted(state, metadata, metadata.grant_types) : metadata;
}

/** The client that the metadata describe. */
export function clientOf(clientId: string, metadata: JsonObject, secret: string | undefined): TestClient {
  const strings = (name: string) => isStrings(metadata[name]) ? { value: metadata[name] } : undefined;
  const jwks = keySet(metadata.jwks);
  return {
    clientId,
    ...(secret === undefined ? {} : { secret }),
    ...(jwks === undefined ? {} : { jwks }),
    authMethods: [String(metadata.token_endpoint_auth_method) as ClientAuthenticationMethod],
    redirectUris: strings("redirect_uris")?.value ?? [],
    postLogoutRedirectUris: strings("post_logout_redirect_uris")?.value ?? [],
    grants: strings("grant_types")?.value ?? [],
    ...(typeof metadata.scope === "string" ? { scope: metadata.scope } : {}),
    dpopBound: metadata.dpop_bound_access_tokens === true,
    certificateBound: metadata.tls_client_certificate_bound_access_tokens === true,
    requirePushedAuthorization: metadata.require_pushed_authorization_requests === true,
    requireSignedRequestObject: metadata.require_signed_request_object === true,
    signedUserinfo: typeof metadata.userinfo_signed_response_alg === "string",
  };
}

/** Whether a client of these metadata has a secret. */
export function hasSecret(metadata: JsonObject): boolean {
  return SECRET_METHODS.includes(String(metadata.token_endpoint_auth_method));
}

/** What IAM makes of a request: restricted scopes go silently, `offline_access` brings its grant along. */
function restricted(state: State, metadata: JsonObject, grantTypes: readonly string[]): JsonObject {
  const forbidden = grantTypes.find((grant) => IAM_FORBIDDEN.includes(grant));
  if (forbidden !== undefined) throw refusal(`Grant type not allowed: ${forbidden}`, "");
  const asked = typeof metadata.scope === "string" && metadata.scope !== "" ? metadata.scope : IAM_SCOPE;
  const supported = state.settings.scopesSupported;
  const words = asked.split(" ").filter((word) => supported === undefined || supported.includes(word));
  const grants = words.includes("offline_access")
    ? [...new Set([...grantTypes, "refresh_token"])]
    : grantTypes;
  return { ...metadata, scope: words.join(" "), grant_types: grants };
}

function keySet(value: unknown): JsonWebKeySet | undefined {
  return isObject(value) && Array.isArray(value.keys) && value.keys.every(isObject)
    ? { keys: value.keys }
    : undefined;
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function invalid(description: string): Response {
  return refusal("invalid_client_metadata", description);
}
