/**
 * Keycloak's administration: making the realm of the tests, and looking at what became of it.
 *
 * @module
 */

import type { Fetch } from "../../../mod.ts";
import type { RunningKeycloak } from "./server.ts";

/** Makes a realm from its representation. */
export async function makeRealm(
  { origin, admin }: Pick<RunningKeycloak, "origin" | "admin">,
  fetch: Fetch,
  realm: Record<string, unknown>,
): Promise<void> {
  const token = await administratorsToken(origin, admin, fetch);
  await ask(fetch, `${origin}/admin/realms`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(realm),
  });
}

/** One thing that happened in the realm. */
export interface RealmEvent {
  readonly type: string;
  readonly error?: string;
  readonly sessionId?: string;
  readonly clientId?: string;
}

/** What happened in a realm, by the types of Keycloak's events, the newest first. */
export async function realmEvents(
  { issuer, admin }: { readonly issuer: string; readonly admin: RunningKeycloak["admin"] },
  fetch: Fetch,
  types: readonly string[],
): Promise<RealmEvent[]> {
  const { origin, pathname } = new URL(issuer);
  const token = await administratorsToken(origin, admin, fetch);
  const query = new URLSearchParams([["max", "1000"], ...types.map((type) => ["type", type])]);
  const url = `${origin}/admin${pathname}/events?${query}`;
  return JSON.parse(await ask(fetch, url, { headers: { authorization: `Bearer ${token}` } }));
}

async function administratorsToken(
  origin: string,
  admin: RunningKeycloak["admin"],
  fetch: Fetch,
): Promise<string> {
  const body = new URLSearchParams({ grant_type: "password", client_id: "admin-cli", ...admin });
  const url = `${origin}/realms/master/protocol/openid-connect/token`;
  const answer = await ask(fetch, url, { method: "POST", body: body.toString(), headers: form });
  return JSON.parse(answer).access_token;
}

const form = { "content-type": "application/x-www-form-urlencoded" };

async function ask(fetch: Fetch, url: string, init: RequestInit): Promise<string> {
  const response = await fetch(url, init);
  const text = await response.text();
  if (!response.ok) {
    throw new Error(`Cannot ask ${new URL(url).pathname}: ${response.status} ${text.slice(0, 400)}`);
  }
  return text;
}
