/**
 * Requests about a server before there is an account: `scopes`, `register`.
 *
 * @module
 */

import { hostname } from "node:os";
import { isTokenError } from "../errors.ts";
import { DEVICE_CODE } from "../oauth/grants/device_code.ts";
import type { Issuer } from "../oauth/issuer.ts";
import { type ClientMetadata, registerClient, type RegisteredClient } from "../oauth/registration.ts";
import { type AccountConfig, accountOf, NO_MYTOKEN } from "./account_config.ts";
import type { AccountServers } from "./account_server.ts";
import { badRequest, failure, failureOf, success, textOf } from "./replies.ts";
import type { AgentReply, AgentRequest } from "./requests.ts";

type Answer = (request: AgentRequest) => Promise<AgentReply>;

/** The answers, by the request's name. */
export function registrationRequests(servers: AccountServers): Readonly<Record<string, Answer>> {
  return {
    scopes: (request) => scopes(servers, request),
    register: (request) => register(servers, request),
    mytoken: () => Promise.resolve(failure("Not a valid mytoken configuration", NO_MYTOKEN)),
    mytoken_supported_providers: () => Promise.resolve(failure("mytoken is not supported", NO_MYTOKEN)),
  };
}

async function scopes(servers: AccountServers, request: AgentRequest): Promise<AgentReply> {
  const issuer = textOf(request.issuer) ?? "";
  try {
    const { metadata } = await servers.reach({
      issuer,
      configurationEndpoint: textOf(request.config_endpoint),
      certPath: textOf(request.cert_path),
    });
    return success({ info: (metadata.scopes_supported ?? []).join(" ") });
  } catch (error) {
    return failureOf(error, "", "account");
  }
}

async function register(servers: AccountServers, request: AgentRequest): Promise<AgentReply> {
  if (typeof request.config !== "object" || request.config === null) return badRequest("config");
  try {
    const account = accountOf(request.config);
    const issuer = await servers.reach(account);
    const max_scopes = (issuer.metadata.scopes_supported ?? []).join(" ");
    const flows = [request.flow ?? []].flat().map(String).flatMap(wordsOf);
    const metadata = clientMetadata(account, issuer, flows);
    const client = await registered(issuer, metadata, textOf(request.authorization));
    return success({ client: clientJson(client), max_scopes });
  } catch (error) {
    return failureOf(error, "", "account");
  }
}

/** `device`, `["device","code"]` as a text, `device code`. */
function wordsOf(flow: string): string[] {
  return flow.match(/[a-z]+/g) ?? [];
}

const GRANTS: Readonly<Record<string, string>> = {
  code: "authorization_code",
  device: DEVICE_CODE,
  password: "password",
};

/**
 * What is asked of the server. INDIGO IAM gives the authorization code grant alone to a client that does not ask, and
 * strips scopes that were not named, so everything is.
 */
export function clientMetadata(
  account: AccountConfig,
  issuer: Issuer,
  flows: readonly string[],
): ClientMetadata {
  const supported = (list: readonly string[] | undefined, one: string) => !list || list.includes(one);
  const { grant_types_supported, response_types_supported } = issuer.metadata;
  const wanted = ["refresh_token", ...flows.map((flow) => GRANTS[flow]).filter(Boolean)];
  // a server that gives a device endpoint knows that grant, whatever its list says
  const grants = wanted.filter((grant) => grant === DEVICE_CODE || supported(grant_types_supported, grant));
  const code = flows.includes("code") || flows.length === 0;
  const types = code && supported(response_types_supported as readonly string[] | undefined, "code")
    ? ["code"]
    : [];
  return {
    application_type: "web",
    client_name: account.clientName ?? `oidc-agent:${account.name}-${hostname()}`,
    response_types: types,
    grant_types: code && !grants.includes("authorization_code") ? [...grants, "authorization_code"] : grants,
    ...(account.scope ? { scope: account.scope } : {}),
    redirect_uris: account.redirectUris.length > 0 ? account.redirectUris : REDIRECT_URIS,
  };
}

const REDIRECT_URIS: readonly string[] = [
  "http://localhost:4242",
  "http://localhost:43985",
  "http://localhost:8080",
  "edu.kit.data.oidc-agent:/redirect",
];

/** Some servers take a custom scheme or a loopback address only from a native application. */
async function registered(
  issuer: Issuer,
  metadata: ClientMetadata,
  initialAccessToken?: string,
): Promise<RegisteredClient> {
  try {
    return await registerClient(issuer, metadata, { initialAccessToken });
  } catch (error) {
    if (
      !isTokenError(error) ||
      !/redirect_uri|redirect URI/i.test(`${error.serverError} ${error.serverDescription}`)
    ) {
      throw error;
    }
    return await registerClient(issuer, { ...metadata, application_type: "native" }, { initialAccessToken });
  }
}

/** The server's answer as it came. */
function clientJson(client: RegisteredClient): Record<string, unknown> {
  return {
    ...client.metadata,
    client_id: client.clientId,
    ...(client.clientSecret ? { client_secret: client.clientSecret } : {}),
    ...(client.clientSecretExpiresAt ? { client_secret_expires_at: client.clientSecretExpiresAt } : {}),
    ...(client.registrationAccessToken ? { registration_access_token: client.registrationAccessToken } : {}),
    ...(client.registrationClientUri ? { registration_client_uri: client.registrationClientUri } : {}),
  };
}
