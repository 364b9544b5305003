/**
 * Dynamic client registration (RFC 7591) and its management (RFC 7592).
 *
 * @module
 */

import { isTokenError, TokenError } from "../errors.ts";
import { exchange } from "../http/http.ts";
import { type EndpointAnswer, refusal, successMembers, textMember, unusableAnswer } from "./_answer.ts";
import { defined } from "./_defined.ts";
import { endpointOf } from "./_endpoint.ts";
import type { Issuer } from "./issuer.ts";
import type { Members } from "./quirks.ts";
import type { RequestOptions } from "./token_request.ts";

/** What is asked of a client, or what the server made of it (RFC 7591 section 2). */
export interface ClientMetadata {
  /** Its name for people. */
  readonly client_name?: string;
  /** Where browsers may be sent back to. */
  readonly redirect_uris?: readonly string[];
  /** The `grant_type` values that it may use. */
  readonly grant_types?: readonly string[];
  /** The `response_type` values that it may use. */
  readonly response_types?: readonly string[];
  /** The scopes that it may ask for, separated by blanks. */
  readonly scope?: string;
  /** How it proves who it is: a `method` of {@linkcode ClientAuthentication}. */
  readonly token_endpoint_auth_method?: string;
  /** Whatever else RFC 7591 or the server knows. */
  readonly [member: string]: unknown;
}

/** A client that the server has registered. Secret: it holds the client secret and the registration access token. */
export interface RegisteredClient {
  /** The client identifier. */
  readonly clientId: string;
  /** Its secret, where its method has one. */
  readonly clientSecret?: string;
  /** When the secret ends, in epoch seconds; absent when it does not. */
  readonly clientSecretExpiresAt?: number;
  /** What the server registered; it may differ from what was asked (RFC 7591 section 3.2.1). */
  readonly metadata: ClientMetadata;
  /** Where the registration is read, changed and deleted (RFC 7592), if the server lets it. */
  readonly registrationClientUri?: string;
  /** The token for that, as secret as a refresh token. */
  readonly registrationAccessToken?: string;
}

/** Options of {@linkcode registerClient}. */
export interface RegisterClientOptions extends RequestOptions {
  /** A token that the operator gave out for registrations (RFC 7591 section 3). */
  initialAccessToken?: string;
}

/** What is asked for, for messages. */
const WHAT = "the client registration";

/**
 * Registers a client.
 *
 * @throws {TokenError} `unsupported` when the server has no registration endpoint, `server_refused` with its reason,
 * and as every request
 * @see RFC 7591 section 3
 */
export async function registerClient(
  issuer: Issuer,
  metadata: ClientMetadata,
  { initialAccessToken, signal }: RegisterClientOptions = {},
): Promise<RegisteredClient> {
  const url = endpointOf(issuer, { clientId: "" }, "registration_endpoint", "a client registration");
  const answer = await send(issuer, "POST", url, initialAccessToken, metadata, signal);
  return registered(issuer, successMembers(answer, issuer, WHAT, 201));
}

/**
 * Reads a registration. The server may give a new secret or a new registration access token with it: keep what comes.
 *
 * @throws {TokenError} `unsupported` when the registration cannot be managed, `server_refused`, and as every request
 * @see RFC 7592 section 2.1
 */
export async function readRegistration(
  issuer: Issuer,
  client: RegisteredClient,
  { signal }: RequestOptions = {},
): Promise<RegisteredClient> {
  const answer = await manage(issuer, "GET", client, undefined, signal);
  return renewed(issuer, client, successMembers(answer, issuer, WHAT));
}

/**
 * Changes a registration: what is not in `metadata` is no longer registered.
 *
 * @throws {TokenError} as {@linkcode readRegistration}
 * @see RFC 7592 section 2.2
 */
export async function updateRegistration(
  issuer: Issuer,
  client: RegisteredClient,
  metadata: ClientMetadata,
  { signal }: RequestOptions = {},
): Promise<RegisteredClient> {
  const { clientId: client_id, clientSecret: client_secret } = client;
  const body = { ...withoutServersOwn(metadata), client_id, client_secret };
  const answer = await manage(issuer, "PUT", client, body, signal);
  return renewed(issuer, client, successMembers(answer, issuer, WHAT));
}

/**
 * Deletes a client at the server. One that the server does not know any more (404) counts as deleted.
 *
 * @throws {TokenError} as {@linkcode readRegistration}; `server_refused` with status 401 when the client is gone (RFC
 * 7592 section 2.3) or the registration access token is not good: nothing tells the two apart
 * @see RFC 7592 section 2.3
 */
export async function deleteRegistration(
  issuer: Issuer,
  client: RegisteredClient,
  { signal }: RequestOptions = {},
): Promise<void> {
  await manage(issuer, "DELETE", client, undefined, signal).catch((error) => {
    if (!isTokenError(error) || error.status !== 404) throw error;
  });
}

function manage(
  issuer: Issuer,
  method: string,
  client: RegisteredClient,
  body: ClientMetadata | undefined,
  signal?: AbortSignal,
): Promise<EndpointAnswer> {
  const { registrationClientUri: url, registrationAccessToken: token } = client;
  if (!url || !token) {
    throw new TokenError(
      "unsupported",
      "Cannot manage this client: the server gave no access to it",
    );
  }
  return send(issuer, method, url, token, body, signal);
}

async function send(
  { http }: Issuer,
  method: string,
  url: string,
  token: string | undefined,
  body: ClientMetadata | undefined,
  signal?: AbortSignal,
): Promise<EndpointAnswer> {
  const headers = {
    accept: "application/json",
    ...(body && { "content-type": "application/json" }),
    // no `Headers` yet: it would quote a token that does not fit
    ...(token && { authorization: `Bearer ${token}` }),
  };
  const sent = await exchange(http, { url, method, headers, body: body && JSON.stringify(body), signal });
  const secrets = [token, body?.client_secret].filter((one) => typeof one === "string");
  const answer: EndpointAnswer = { ...sent, secrets };
  if (answer.status >= 400) throw refusal(answer, WHAT);
  return answer;
}

/** What the server keeps for itself and must not be sent back (RFC 7592 section 2.2), with its times and its address. */
const SERVERS_OWN = /^(client_id|client_secret|registration)(_|$)/;

function registered({ quirks }: Issuer, members: Members): RegisteredClient {
  const text = (name: string) => members[name] ? textMember(members, name) : undefined;
  const clientSecret = text("client_secret");
  const end = members.client_secret_expires_at;
  if (clientSecret && end === undefined) quirks.report("secret-end-missing");
  const expiresAt = Number(end);
  return defined<RegisteredClient>({
    clientId: textMember(members, "client_id"),
    clientSecret,
    clientSecretExpiresAt: clientSecret && expiresAt > 0 ? expiresAt : undefined,
    metadata: withoutServersOwn(members),
    registrationClientUri: text("registration_client_uri"),
    registrationAccessToken: text("registration_access_token"),
  });
}

function withoutServersOwn(members: Members): ClientMetadata {
  return Object.fromEntries(Object.entries(members).filter(([name]) => !SERVERS_OWN.test(name)));
}

/**
 * What an answer leaves out stays as it was; what it has replaces the old at once (RFC 7592 section 3).
 *
 * @throws {TokenError} `invalid_response` when it is about another client
 */
function renewed(issuer: Issuer, before: RegisteredClient, members: Members): RegisteredClient {
  const after = registered(issuer, members);
  if (after.clientId !== before.clientId) {
    throw unusableAnswer("it is about another client");
  }
  const { clientSecretExpiresAt: _ofTheOldSecret, ...kept } = before;
  return { ...(after.clientSecret ? kept : before), ...after };
}
