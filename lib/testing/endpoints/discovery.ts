/**
 * The metadata: OpenID Connect Discovery, RFC 8414, RFC 9728, and the JWKS.
 *
 * @module
 */

import { json, refusal } from "../answers.ts";
import type { Call } from "../call.ts";
import { grantTypes } from "./token.ts";
import { ASYMMETRIC_ALGORITHMS, type JsonObject, SECRET_ALGORITHMS } from "../jwt.ts";
import type { State } from "../state.ts";
import { USUAL_SCOPES } from "../targets.ts";

const METHODS = [
  "none",
  "client_secret_basic",
  "client_secret_post",
  "client_secret_jwt",
  "private_key_jwt",
  "tls_client_auth",
  "self_signed_tls_client_auth",
];

/** The metadata of the authorization server; the same document at both well-known places. */
export function discovery(call: Call): Response {
  onlyGet(call);
  return cacheable(metadata(call.state));
}

/** The public keys (RFC 7517 section 5). */
export function jwks(call: Call): Response {
  onlyGet(call);
  return cacheable(call.state.keys.jwks());
}

/** The metadata of the demo resource (RFC 9728 section 3.2). */
export function protectedResourceMetadata(call: Call): Response {
  onlyGet(call);
  const { state } = call;
  return cacheable({
    resource: state.endpoints.resource,
    authorization_servers: [state.issuer],
    bearer_methods_supported: ["header"],
    scopes_supported: state.settings.resourceScope.split(" ").filter((word) => word !== ""),
    ...(state.flavor.supports.dpop ? { dpop_signing_alg_values_supported: ASYMMETRIC_ALGORITHMS } : {}),
  });
}

function metadata(state: State): JsonObject {
  const { settings, endpoints: { urls }, keys } = state;
  const assertionAlgorithms = [...ASYMMETRIC_ALGORITHMS, ...SECRET_ALGORITHMS];
  return {
    issuer: state.issuer,
    authorization_endpoint: urls.authorization,
    token_endpoint: urls.token,
    jwks_uri: urls.jwks,
    userinfo_endpoint: urls.userinfo,
    device_authorization_endpoint: urls.device_authorization,
    revocation_endpoint: urls.revocation,
    introspection_endpoint: urls.introspection,
    end_session_endpoint: urls.end_session,
    ...(settings.registration === "none" ? {} : { registration_endpoint: urls.registration }),
    ...extensions(state),
    scopes_supported: settings.scopesSupported ?? USUAL_SCOPES,
    response_types_supported: ["code"],
    response_modes_supported: ["query", "query.jwt", "jwt"],
    grant_types_supported: grantTypes(state),
    subject_types_supported: ["public"],
    code_challenge_methods_supported: state.flavor.challengeMethods,
    authorization_response_iss_parameter_supported: settings.issParameter,
    request_parameter_supported: true,
    request_uri_parameter_supported: false,
    request_object_signing_alg_values_supported: ASYMMETRIC_ALGORITHMS,
    ...Object.fromEntries(
      ["token", "revocation", "introspection"].flatMap((name) => [
        [`${name}_endpoint_auth_methods_supported`, METHODS],
        [`${name}_endpoint_auth_signing_alg_values_supported`, assertionAlgorithms],
      ]),
    ),
    ...Object.fromEntries(
      ["id_token", "userinfo", "authorization", "introspection"].map((name) => [
        `${name}_signing_alg_values_supported`,
        [keys.algorithm],
      ]),
    ),
  };
}

/** What not every server has. */
function extensions(state: State): JsonObject {
  const { settings, flavor: { supports }, endpoints: { urls, mtlsAlias, resource } } = state;
  const members: JsonObject = {};
  if (supports.par) {
    members.pushed_authorization_request_endpoint = urls.pushed_authorization;
    members.require_pushed_authorization_requests = settings.requirePushedAuthorization;
  }
  if (supports.dpop) members.dpop_signing_alg_values_supported = ASYMMETRIC_ALGORITHMS;
  if (supports.ciba) {
    members.backchannel_authentication_endpoint = urls.backchannel_authentication;
    members.backchannel_token_delivery_modes_supported = ["poll"];
    members.backchannel_authentication_request_signing_alg_values_supported = ASYMMETRIC_ALGORITHMS;
    members.backchannel_user_code_parameter_supported = false;
  }
  if (settings.mtlsAliases) {
    members.tls_client_certificate_bound_access_tokens = true;
    const names = ["token", "revocation", "introspection", "device_authorization", "userinfo"] as const;
    members.mtls_endpoint_aliases = {
      ...Object.fromEntries(names.map((name) => [`${name}_endpoint`, mtlsAlias(urls[name])])),
      ...(supports.par
        ? { pushed_authorization_request_endpoint: mtlsAlias(urls.pushed_authorization) }
        : {}),
      ...(supports.ciba
        ? { backchannel_authentication_endpoint: mtlsAlias(urls.backchannel_authentication) }
        : {}),
    };
  }
  return { ...members, authorization_details_types_supported: ["test"], protected_resources: [resource] };
}

function onlyGet(call: Call): void {
  if (!["GET", "HEAD"].includes(call.request.method)) {
    throw refusal("invalid_request", "Only GET", { status: 405, headers: { allow: "GET, HEAD" } });
  }
}

function cacheable(body: unknown): Response {
  return json(body, { headers: { "cache-control": "public, max-age=3600" } });
}
