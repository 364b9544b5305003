/**
 * The claims of a token in words: who, for whom, what it may do, until when.
 *
 * @module
 */

import { duration, timestamp } from "./times.ts";

type Claims = Readonly<Record<string, unknown>>;

const NAMES: readonly (readonly [string, string])[] = [
  ["iss", "issuer"],
  ["sub", "subject"],
  ["preferred_username", "user name"],
  ["name", "name"],
  ["email", "email"],
  ["client_id", "client"],
  ["azp", "client"],
  ["aud", "for"],
  ["scope", "scopes"],
  ["wlcg.groups", "groups"],
  ["groups", "groups"],
  ["eduperson_entitlement", "entitled to"],
  ["jti", "token id"],
];

/** Rows of label and text. What is not known by name comes at the end, as JSON. */
export function describeClaims(claims: Claims, now: number): string[][] {
  const rows: string[][] = [];
  const known = new Set(["iat", "nbf", "exp", "auth_time", "realm_access", "resource_access"]);
  for (const [claim, label] of NAMES) {
    if (claims[claim] === undefined || known.has(claim)) continue;
    known.add(claim);
    if (label === "client" && rows.some(([before]) => before === "client")) continue;
    rows.push([label, words(claims[claim])]);
  }
  rows.push(...roles(claims), ...times(claims, now));
  for (const [claim, value] of Object.entries(claims)) {
    if (!known.has(claim)) rows.push([claim, words(value)]);
  }
  return rows;
}

function words(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((one) => typeof one === "string")) return value.join(", ");
  return JSON.stringify(value);
}

/** Keycloak's roles: those of the realm, and those of each client. */
function roles(claims: Claims): string[][] {
  const rows: string[][] = [];
  const ofRealm = rolesIn(claims.realm_access);
  if (ofRealm) rows.push(["roles", ofRealm]);
  const clients = claims.resource_access;
  if (typeof clients === "object" && clients !== null) {
    for (const [client, access] of Object.entries(clients)) {
      const text = rolesIn(access);
      if (text) rows.push([`roles at ${client}`, text]);
    }
  }
  return rows;
}

function rolesIn(access: unknown): string | undefined {
  const { roles } = (access ?? {}) as { roles?: unknown };
  return Array.isArray(roles) ? words(roles) : undefined;
}

function times(claims: Claims, now: number): string[][] {
  const rows: string[][] = [];
  const at = (claim: string) => typeof claims[claim] === "number" ? claims[claim] as number : undefined;
  const issued = at("iat");
  const starts = at("nbf");
  const ends = at("exp");
  if (issued !== undefined) rows.push(["issued", `${timestamp(issued)}, ${duration(now - issued)} ago`]);
  if (starts !== undefined && starts > now) {
    rows.push(["good from", `${timestamp(starts)}, in ${duration(starts - now)}`]);
  }
  if (ends !== undefined) {
    rows.push([
      "good until",
      ends > now
        ? `${timestamp(ends)}, for ${duration(ends - now)} more`
        : `${timestamp(ends)}: ended ${duration(now - ends)} ago`,
    ]);
  }
  const signedIn = at("auth_time");
  if (signedIn !== undefined) rows.push(["signed in", timestamp(signedIn)]);
  return rows;
}
