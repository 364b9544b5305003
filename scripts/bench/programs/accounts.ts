/**
 * Makes account files: JSON in, JSON out.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { mkdirSync } from "node:fs";
import process from "node:process";
import { accountJson, accountOf } from "../../../lib/agent/account_config.ts";
import { accountFiles } from "../../../lib/agent/account_files.ts";
import { type Host, workstation } from "../../../lib/host/host.ts";

/** What to make. */
export interface Question {
  readonly home: string;
  /** The accounts: their names, and their issuers. */
  readonly accounts: Readonly<Record<string, string>>;
  /** Without one, they have keys that no password leads to: those are made at once. */
  readonly password?: string;
}

/** What opens each, in base64. */
export type Answer = Readonly<Record<string, string>>;

let text = "";
for await (const piece of process.stdin) text += piece;
const { home, accounts, password }: Question = JSON.parse(text);
mkdirSync(`${home}/.oidc-agent`, { recursive: true });
const host: Host = Object.create(workstation(), {
  environment: { value: (name: string) => name === "HOME" ? home : undefined },
  directories: { value: { config: home, data: home, state: home, cache: home } },
});
const store = accountFiles(host);
const keys: Record<string, string> = {};
for (const [name, issuer_url] of Object.entries(accounts)) {
  const config = {
    name,
    issuer_url,
    client_id: "c",
    refresh_token: "rt",
    auth_scope: "openid",
    redirect_uris: [],
  };
  const closing = password ? { password } : { key: crypto.getRandomValues(new Uint8Array(80)) };
  const key = await store.replace(name, JSON.stringify(accountJson(accountOf(config))), closing);
  keys[name] = Buffer.from(key!).toString("base64");
}
process.stdout.write(JSON.stringify(keys));
