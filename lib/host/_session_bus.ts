/**
 * How the session bus is found and what is said to it first (D-Bus Specification, "Authentication Protocol"). Pure.
 *
 * @module
 */

import type { DBusValue } from "./dbus_wire.ts";
import type { Environment } from "./directories.ts";

/** A method call. */
export interface DBusCall {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature?: string;
  readonly body?: readonly DBusValue[];
}

/** How long a service may take to answer, in milliseconds. */
export const PATIENCE = 5000;

/** Where the session bus listens, as socket paths to try; an abstract one begins with a zero byte. */
export function busPaths(environment: Environment): string[] {
  const runtime = environment("XDG_RUNTIME_DIR");
  // without a variable, where systemd puts it
  const address = environment("DBUS_SESSION_BUS_ADDRESS") ??
    (runtime?.startsWith("/") ? `unix:path=${runtime}/bus` : "");
  return address.split(";").flatMap((one) => {
    if (!one.startsWith("unix:")) return [];
    const pairs = one.slice(5).split(",").map((pair) => pair.split("=", 2));
    const value = (name: string) => pairs.find(([key]) => key === name)?.[1];
    const [path, abstract] = [value("path"), value("abstract")].map(unescaped);
    return path?.startsWith("/") ? [path] : abstract ? ["\0" + abstract] : [];
  });
}

function unescaped(text: string | undefined): string | undefined {
  try {
    return text && decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** The first line to a bus: that we are this user, which the socket itself proves. */
export function authentication(uid: number): string {
  const name = [...String(uid)].map((digit) => digit.charCodeAt(0).toString(16)).join("");
  return `\0AUTH EXTERNAL ${name}\r\n`;
}

/** The last line, after which messages follow. */
export const BEGIN = "BEGIN\r\n";

/** The bus itself. */
export const ofBus = {
  destination: "org.freedesktop.DBus",
  path: "/org/freedesktop/DBus",
  interface: "org.freedesktop.DBus",
} as const;

/** The first message. */
export const hello: DBusCall = { ...ofBus, member: "Hello" };
