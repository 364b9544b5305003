/**
 * Dynamic client registration (RFC 7591) and its management (RFC 7592).
 *
 * @module
 */

import { json, refusal } from "../answers.ts";
import { randomText } from "../bytes.ts";
import { type Call, mediaType } from "../call.ts";
import { clientOf, hasSecret, registeredMetadata } from "../client_metadata.ts";
import { isObject, type JsonObject } from "../jwt.ts";
import { revokeGrants } from "../refresh_tokens.ts";
import type { Registration, State } from "../state.ts";

/** What a client must not send back (RFC 7592 section 2.2). */
const NOT_IN_UPDATES = [
  "registration_access_token",
  "registration_client_uri",
  "client_secret_expires_at",
  "client_id_issued_at",
];

/** Registers a client. */
export function registration(call: Call): Response {
  const { state, request } = call;
  if (state.settings.registration === "none") throw refusal("not_found", "", { status: 404 });
  if (request.method !== "POST") {
    throw refusal("invalid_request", "Only POST", { status: 405, headers: { allow: "POST" } });
  }
  const bearer = bearerToken(call);
  if (state.settings.registration === "token" && bearer !== state.settings.initialAccessToken) {
    throw unauthorized();
  }
  const metadata = registeredMetadata(state, jsonBody(call));
  const clientId = `client-${randomText(9)}`;
  const registered: Registration = {
    accessToken: randomText(),
    metadata,
    issuedAt: Math.floor(state.clock.now() / 1000),
  };
  state.registrations.set(clientId, registered);
  state.clients.set(clientId, clientOf(clientId, metadata, hasSecret(metadata) ? randomText() : undefined));
  // IAM gives a registration access token only to those who came without an account.
  const isOwned = state.flavor.restrictiveRegistration && bearer !== undefined;
  return json(information(state, clientId, registered, !isOwned), { status: 201 });
}

/** Reads, updates or deletes a client that registered itself. */
export function registrationManagement(call: Call): Response {
  const { state, request, url } = call;
  const clientId = decodeURIComponent(url.pathname.slice(url.pathname.lastIndexOf("/") + 1));
  const registered = state.registrations.get(clientId);
  if (registered === undefined || bearerToken(call) !== registered.accessToken) throw unauthorized();
  switch (request.method) {
    case "GET":
      return json(information(state, clientId, registered, true));
    case "PUT":
      update(call, clientId, registered);
      return json(information(state, clientId, registered, true));
    case "DELETE":
      state.registrations.delete(clientId);
      state.clients.delete(clientId);
      revokeGrants(state, (grant) => grant.clientId === clientId);
      return new Response(null, { status: 204, headers: { "cache-control": "no-store" } });
    default:
      throw refusal("invalid_request", "Only GET, PUT and DELETE", {
        status: 405,
        headers: { allow: "GET, PUT, DELETE" },
      });
  }
}

/** Replaces the metadata. The access token changes with them: the old one is worth nothing from now on. */
function update(call: Call, clientId: string, registered: Registration): void {
  const { state } = call;
  const { client_id, client_secret, ...asked } = jsonBody(call);
  if (client_id !== clientId) throw refusal("invalid_request", "client_id is missing or another");
  const excess = NOT_IN_UPDATES.find((name) => name in asked);
  if (excess !== undefined) throw refusal("invalid_request", `${excess} must not be sent`);
  const secret = state.clients.get(clientId)?.secret;
  if (client_secret !== undefined && client_secret !== secret) {
    throw refusal("invalid_request", "client_secret is not the current one");
  }
  const metadata = registeredMetadata(state, asked);
  registered.metadata = metadata;
  registered.accessToken = randomText();
  state.clients.set(
    clientId,
    clientOf(clientId, metadata, hasSecret(metadata) ? secret ?? randomText() : undefined),
  );
}

function information(
  state: State,
  clientId: string,
  registered: Registration,
  manageable: boolean,
): JsonObject {
  const secret = state.clients.get(clientId)?.secret;
  return {
    ...registered.metadata,
    client_id: clientId,
    client_id_issued_at: registered.issuedAt,
    ...(secret === undefined ? {} : { client_secret: secret, client_secret_expires_at: 0 }),
    ...(manageable
      ? {
        registration_access_token: registered.accessToken,
        registration_client_uri: `${state.endpoints.urls.registration}/${clientId}`,
      }
      : {}),
  };
}

function jsonBody({ request }: Call): JsonObject {
  if (mediaType(request.headers) !== "application/json" || !isObject(request.json)) {
    throw refusal("invalid_client_metadata", "The body is not a JSON object");
  }
  return request.json;
}

function bearerToken({ request }: Call): string | undefined {
  return /^bearer +(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
}

function unauthorized(): Response {
  return refusal("invalid_token", "The access token is not valid", {
    status: 401,
    headers: { "www-authenticate": 'Bearer error="invalid_token"' },
  });
}
