/**
 * Who is asking: the client authentication methods.
 *
 * @module
 */

import { REASON_HEADER, refusal } from "./answers.ts";
import { fromBase64 } from "./bytes.ts";
import type { Call } from "./call.ts";
import { checkClientAssertion } from "./client_assertion.ts";
import { parseJwt } from "./jwt.ts";
import type { ClientAuthenticationMethod, TestClient } from "./options.ts";
import type { State } from "./state.ts";

/** A client that proved who it is. */
export interface AuthenticatedClient {
  readonly client: TestClient;
  readonly method: ClientAuthenticationMethod;
  /** The thumbprint of its certificate, when it came with one. */
  readonly x5t?: string;
}

/** The request header that stands for a client certificate. */
export const CERTIFICATE_HEADER = "x-test-client-certificate";

interface Credentials {
  readonly method: ClientAuthenticationMethod;
  readonly clientId: string;
  readonly secret?: string;
}

/**
 * Finds and authenticates the client of a request (RFC 6749 section 2.3): one method, and one that the client may use.
 *
 * @throws a refusal: `invalid_request` for two methods at once, `invalid_client`
 */
export async function authenticateClient(
  call: Call,
  parameters: URLSearchParams,
): Promise<AuthenticatedClient> {
  const { state } = call;
  const refuse = (reason: string) => invalidClient(call, reason);
  const credentials = presented(call, parameters);
  const client = state.clients.get(credentials.clientId);
  if (client === undefined) throw refuse("unknown client");
  const given = parameters.get("client_id");
  if (given !== null && given !== credentials.clientId) {
    throw refusal("invalid_request", "client_id names another client than its credentials");
  }
  const x5t = certificate(call);
  const method = credentials.method === "none" && x5t !== undefined ? mutualTls(client) : credentials.method;
  if (!methodsOf(client).includes(method)) throw refuse(`the client may not use ${method}`);
  if (method.startsWith("client_secret_") && method !== "client_secret_jwt") {
    if (!hasSecret(client, credentials)) throw refuse("wrong secret");
  } else if (method.endsWith("_jwt")) {
    await checkClientAssertion(call, client, parameters, refuse);
  } else if (method !== "none" && client.certificateThumbprint !== x5t) {
    throw refuse("another certificate");
  }
  return { client, method, ...(x5t === undefined ? {} : { x5t }) };
}

/** The methods that `client` may use: what it was given, or everything that it has what it takes for. */
export function methodsOf(client: TestClient): readonly ClientAuthenticationMethod[] {
  if (client.authMethods !== undefined) return client.authMethods;
  const methods: ClientAuthenticationMethod[] = [];
  if (client.secret !== undefined) {
    methods.push("client_secret_basic", "client_secret_post", "client_secret_jwt");
  }
  if (client.jwks !== undefined || client.federated !== undefined) methods.push("private_key_jwt");
  if (client.certificateThumbprint !== undefined) {
    methods.push("tls_client_auth", "self_signed_tls_client_auth");
  }
  return methods.length === 0 ? ["none"] : methods;
}

/** Whether `client` has nothing to prove who it is. */
export function isPublic(client: TestClient): boolean {
  return methodsOf(client).every((method) => method === "none");
}

/** Whether `client` may use the grant. */
export function mayUse(client: TestClient, grantType: string): boolean {
  return client.grants === undefined || client.grants.includes(grantType);
}

/**
 * The refusal of a client, in the words of the resembled server. With Basic it carries a challenge, as RFC 6749
 * section 5.2 demands.
 *
 * @param reason why, for the record
 */
export function invalidClient(call: Call, reason: string): Response {
  const { state, request } = call;
  const basic = /^basic\b/i.test(request.headers.get("authorization") ?? "");
  return refusal("invalid_client", state.flavor.texts.badClient, {
    status: 401,
    headers: {
      [REASON_HEADER]: reason,
      ...(basic ? { "www-authenticate": `Basic realm="${state.issuer}"` } : {}),
    },
  });
}

/** The certificate of the connection; only on the alias host where there is one (RFC 8705 section 5). */
export function certificate(call: Call): string | undefined {
  const { state, url, request } = call;
  const asksForIt = !state.settings.mtlsAliases || url.hostname.startsWith("mtls.");
  return asksForIt ? request.headers.get(CERTIFICATE_HEADER) ?? undefined : undefined;
}

function presented(call: Call, parameters: URLSearchParams): Credentials {
  const header = call.request.headers.get("authorization");
  const secret = parameters.get("client_secret");
  const assertion = parameters.get("client_assertion");
  if ([header, secret, assertion].filter((value) => value !== null).length > 1) {
    throw refusal("invalid_request", "More than one client authentication method");
  }
  if (header !== null) return basicCredentials(call, header);
  const clientId = parameters.get("client_id");
  if (assertion !== null) return assertionCredentials(call, assertion, clientId);
  if (clientId === null) throw invalidClient(call, "no client_id");
  return secret === null ? { method: "none", clientId } : { method: "client_secret_post", clientId, secret };
}

function basicCredentials(call: Call, header: string): Credentials {
  const encoded = /^basic +([A-Za-z0-9+/]+=*)$/i.exec(header)?.[1];
  const bytes = encoded === undefined ? undefined : fromBase64(encoded);
  if (bytes === undefined) throw invalidClient(call, "Authorization is not Basic");
  const text = new TextDecoder().decode(bytes);
  const colon = text.indexOf(":");
  if (colon < 0) throw invalidClient(call, "Basic without a colon");
  const [name, password] = [text.slice(0, colon), text.slice(colon + 1)];
  return { ...basicClient(call.state, name, password), method: "client_secret_basic" };
}

/** Reads the pair in the encoding of the client that it names. */
function basicClient(state: State, name: string, password: string): { clientId: string; secret: string } {
  const raw = { clientId: name, secret: password };
  const decoded = { clientId: formDecode(name) ?? name, secret: formDecode(password) ?? "" };
  const encoding = (state.clients.get(decoded.clientId) ?? state.clients.get(name))?.basicEncoding ?? "form";
  if (encoding === "raw") return raw;
  return encoding === "either" && state.clients.get(name)?.secret === password ? raw : decoded;
}

function formDecode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replace(/\+/g, "%20"));
  } catch {
    return undefined;
  }
}

function assertionCredentials(call: Call, assertion: string, clientId: string | null): Credentials {
  const jwt = parseJwt(assertion);
  const sub = jwt?.claims.sub;
  if (jwt === undefined || typeof sub !== "string") {
    throw invalidClient(call, "the assertion is no JWT with a sub");
  }
  const method = String(jwt.header.alg).startsWith("HS") ? "client_secret_jwt" : "private_key_jwt";
  // The sub of a federated assertion is a workload's name at its own issuer.
  const isFederated = clientId !== null && call.state.clients.get(clientId)?.federated !== undefined;
  return { method, clientId: isFederated ? clientId : sub };
}

function mutualTls(client: TestClient): ClientAuthenticationMethod {
  const methods = methodsOf(client);
  return methods.find((method) => method.includes("tls_client_auth")) ?? "none";
}

function hasSecret(client: TestClient, { secret }: Credentials): boolean {
  return client.secret !== undefined && client.secret === secret;
}
