/**
 * What is asked of a Secret Service (freedesktop.org Secret Storage API 0.2). Pure.
 *
 * @module
 */

import type { DBusCall } from "./_session_bus.ts";
import type { DBusValue } from "./dbus_wire.ts";

/** The service itself. */
export const SECRETS = { destination: "org.freedesktop.secrets", path: "/org/freedesktop/secrets" } as const;

/** A call of a method; `of` is the short name of its interface. */
export function secretCall(
  path: string,
  of: "Collection" | "Item" | "Prompt" | "Service",
  member: string,
  signature = "",
  body: readonly DBusValue[] = [],
): DBusCall {
  const interface_ = `org.freedesktop.Secret.${of}`;
  return { destination: SECRETS.destination, path, interface: interface_, member, signature, body };
}

/** What an item is found by. */
export function attributes(id: string): DBusValue {
  return [["application", "apex-token"], ["key", id], ["xdg:schema", "org.apex.token.Key"]];
}

/** Asks for the paths of an item: where it is unlocked, and where it is locked. */
export function searchItems(id: string): DBusCall {
  return secretCall(SECRETS.path, "Service", "SearchItems", "a{ss}", [attributes(id)]);
}

/** Asks for a session that carries secrets as they are: nobody but this user and root can read the bus's socket. */
export const openSession: DBusCall = secretCall(SECRETS.path, "Service", "OpenSession", "sv", [
  "plain",
  { signature: "s", value: "" },
]);

/** The text of what a service calls a secret: session, parameters, value, media type. */
export function secretIn(secret: DBusValue): string {
  return new TextDecoder().decode((secret as DBusValue[])[2] as Uint8Array);
}
