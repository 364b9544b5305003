/**
 * What the configuration files of oidc-agent say about issuers: `issuer.config` of 4.x and 5.x, `issuer.config.d`,
 * `pubclients.config`; this person's before the machine's.
 *
 * @module
 */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Host } from "../host/host.ts";
import { readSharedFile, writeSharedFile } from "../host/shared_files.ts";
import { isTokenError } from "../errors.ts";
import type { IssuerSettings, PublicClient } from "./account.ts";
import { sameIssuer } from "./account_config.ts";
import { oidcDirectory, systemOidcDirectory } from "./oidc_directory.ts";

/** The longest of these files, in bytes. */
const LIMIT = 1024 * 1024;

/** What one file says of one issuer; of several, the first that says something counts. */
type Entry = { issuer: string; accounts: readonly string[] } & Partial<IssuerSettings>;

/** What the files say, all of them merged: this person's own first, in the order of the files. */
export function issuerSettings(host: Host): IssuerSettings[] {
  const [own, machine] = [oidcDirectory(host), systemOidcDirectory(host)];
  const entries = [
    ...entriesIn(read(join(own, "issuer.config")), "account"),
    ...folder(join(own, "issuer.config.d")),
    ...publicClientsIn(read(join(own, "pubclients.config"))),
    ...entriesIn(read(join(machine, "issuer.config")), "registration"),
    ...folder(join(machine, "issuer.config.d")),
    ...publicClientsIn(read(join(machine, "pubclients.config"))),
  ];
  const merged: Entry[] = [];
  for (const entry of entries) {
    const index = merged.findIndex(({ issuer }) => sameIssuer(issuer, entry.issuer));
    if (index === -1) merged.push(entry);
    else merged[index] = mergedEntry(merged[index], entry);
  }
  return merged;
}

/** Makes it known, in this person's `issuer.config`, that an account belongs to an issuer. */
export function assignAccount(host: Host, issuer: string, account: string): void {
  change(host, (text) => {
    if (text.trim() !== "" && !isJson(text)) {
      const isThere = entriesIn(text, "account").some((entry) => sameIssuer(entry.issuer, issuer));
      return isThere ? text : `${text.replace(/\n?$/, "\n")}${issuer} ${account}`;
    }
    const list = rawEntries(text);
    const entry = list.find((one) => sameIssuer(issuerIn(one) ?? "", issuer));
    if (!entry) return written([...list, { issuer, accounts: [account] }]);
    const accounts = strings(entry.accounts);
    if (accounts.includes(account)) return text;
    entry.accounts = [...accounts, account];
    return written(list);
  });
}

/** Takes an account out of this person's `issuer.config`. */
export function unassignAccount(host: Host, account: string): void {
  change(host, (text) => {
    if (!isJson(text)) {
      const lines = text.split("\n").filter((line) => line.trim().split(/\s+/)[1] !== account);
      return lines.join("\n");
    }
    const list = rawEntries(text);
    for (const entry of list) {
      if (Array.isArray(entry.accounts)) {
        entry.accounts = strings(entry.accounts).filter((one) => one !== account);
      }
      if (entry.default_account === account) delete entry.default_account;
    }
    // an issuer of which nothing is left but its name was there for its accounts only
    return written(
      list.filter((entry) => strings(entry.accounts).length > 0 || Object.keys(entry).length > 2),
    );
  });
}

function change(host: Host, edit: (text: string) => string): void {
  const path = join(oidcDirectory(host), "issuer.config");
  const before = read(path);
  const after = edit(before);
  if (after !== before && !(before === "" && after.trim() === "[]")) {
    writeSharedFile(path, new TextEncoder().encode(after));
  }
}

function written(list: readonly unknown[]): string {
  return JSON.stringify(list, undefined, "\t");
}

function read(path: string): string {
  const bytes = readSharedFile(path, { limit: LIMIT });
  return bytes ? new TextDecoder().decode(bytes) : "";
}

function folder(path: string): Entry[] {
  let names: string[];
  try {
    names = readdirSync(path).filter((name) => !name.startsWith(".")).sort();
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    try {
      return entriesIn(read(join(path, name)), "account");
    } catch (error) {
      // a folder in a folder, or a neighbour's file: it says nothing
      if (isTokenError(error)) return [];
      throw error;
    }
  });
}

function isJson(text: string): boolean {
  return /^\s*[[{]/.test(text);
}

type Raw = Record<string, unknown>;

function rawEntries(text: string): Raw[] {
  let value: unknown;
  try {
    value = JSON.parse(text.trim() === "" ? "[]" : text);
  } catch {
    return [];
  }
  return [value].flat().filter((one): one is Raw => typeof one === "object" && one !== null);
}

/** Both forms: JSON of 5.x, and lines of 4.x, whose second word depends on whose file it is. */
function entriesIn(text: string, secondWord: "account" | "registration"): Entry[] {
  if (isJson(text)) return rawEntries(text).flatMap((raw) => entryOf(raw) ?? []);
  return text.split("\n").map((line) => line.trim()).filter((line) => /^https?:/.test(line)).map((line) => {
    const [issuer, ...words] = line.split(/\s+/);
    if (secondWord === "account") {
      return { issuer, accounts: words.slice(0, 1), ...(words[0] ? { defaultAccount: words[0] } : {}) };
    }
    const page = words.find((word) => word.startsWith("http"));
    const contact = words.find((word) => word.includes("@"));
    return {
      issuer,
      accounts: [],
      ...(page ? { registrationPage: page } : {}),
      ...(contact ? { contact } : {}),
    };
  });
}

function issuerIn(raw: Raw): string | undefined {
  return text(raw.issuer) ?? text(raw.issuer_url);
}

function entryOf(raw: Raw): Entry | undefined {
  const issuer = issuerIn(raw);
  if (!issuer) return undefined;
  const { user_client, pubclient } = raw;
  return said({
    issuer,
    accounts: strings(raw.accounts),
    defaultAccount: text(raw.default_account),
    publicClient: clientOf(user_client) ?? clientOf(pubclient),
    configurationEndpoint: text(raw.config_endpoint) ?? text(raw.configuration_endpoint),
    deviceAuthorizationEndpoint: text(raw.device_authorization_endpoint),
    certPath: text(raw.cert_path),
    registrationPage: text(raw.register) ?? text(raw.manual_register),
    contact: text(raw.contact),
    oauth: flag(raw.oauth),
    legacyAudience: flag(raw.legacy_aud_mode),
  });
}

function clientOf(value: unknown): PublicClient | undefined {
  const raw = (value ?? {}) as Raw;
  const clientId = text(raw.client_id);
  if (!clientId) return undefined;
  const flows = strings(raw.flow ?? raw.flows);
  return {
    clientId,
    ...(text(raw.client_secret) ? { clientSecret: text(raw.client_secret) } : {}),
    ...(text(raw.scope) ? { scope: text(raw.scope) } : {}),
    ...(flows.length > 0 ? { flows } : {}),
  };
}

/** `client_id[:client_secret]@issuer[@scopes]`, one a line; the first of an issuer counts. */
function publicClientsIn(content: string): Entry[] {
  return content.split("\n").flatMap((line) => {
    const match = /^\s*([^#@\s:][^@\s:]*)(?::([^@\s]*))?@(https?:[^@\s]+)(?:@(.*))?$/.exec(line.trim());
    if (!match) return [];
    const [, clientId, clientSecret, issuer, scope] = match;
    const publicClient = {
      clientId,
      ...(clientSecret ? { clientSecret } : {}),
      ...(scope?.trim() ? { scope: scope.trim() } : {}),
    };
    return [{ issuer, accounts: [], publicClient }];
  });
}

function mergedEntry(first: Entry, second: Entry): Entry {
  const accounts = [...new Set([...first.accounts, ...second.accounts])];
  return { ...second, ...first, accounts };
}

function said<T extends Entry>(entry: T): Entry {
  return Object.fromEntries(
    Object.entries(entry).filter(([, value]) => value !== undefined),
  ) as unknown as Entry;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function strings(value: unknown): string[] {
  return Array.isArray(value)
    ? value.filter((one) => typeof one === "string")
    : typeof value === "string"
    ? value.split(/\s+/).filter(Boolean)
    : [];
}

function flag(value: unknown): boolean | undefined {
  return value === undefined ? undefined : value === true || value === 1 || value === "1";
}
