/**
 * `oidc-add`: accounts into the agent and out of it.
 *
 * @module
 */

import { toBase64 } from "../../bytes.ts";
import { isTokenError } from "../../errors.ts";
import type { Host } from "../../host/host.ts";
import { safeText } from "../../safe_text.ts";
import type { OpenAccount } from "../account.ts";
import { sameIssuer } from "../account_config.ts";
import { accountFiles } from "../account_files.ts";
import { isAccountName } from "../oidc_directory.ts";
import type { AgentReply } from "../requests.ts";
import { askPassword, openAccount, textOf } from "./_passwords.ts";
import {
  argumentsOf,
  ask,
  askOr,
  failure,
  has,
  isOutputTerminal,
  misuse,
  ToolExit,
  valueOf,
} from "./_tool.ts";
import type { Arguments } from "./argp.ts";
import { tryHelp } from "./argp_help.ts";
import { OIDC_ADD } from "./oidc_add_options.ts";

const FORWARD =
  "Forward its socket: ssh -R /tmp/forwarded.sock:$OIDC_SOCK HOST, and there OIDC_SOCK=/tmp/forwarded.sock";
const NO_AGENT = "Could not connect to oidc-agent";

/** Runs `oidc-add`. */
export async function oidcAdd(host: Host, args: readonly string[]): Promise<void> {
  const given = argumentsOf(host, OIDC_ADD, args);
  const alone = ["list", "loaded", "lock", "unlock", "remove-all"].find((key) => has(given, key));
  if (given.words.length !== (alone ? 0 : 1)) throw misuse(OIDC_ADD);
  if (has(given, "remote")) throw failure("an agent at OIDC_REMOTE_SOCK is not supported", FORWARD);
  switch (alone) {
    case "list":
      return listAccounts(host);
    case "loaded":
      return await listLoaded(host);
    case "lock":
      return await lock(host);
    case "unlock":
      return succeed(host, await askOr(NO_AGENT, { request: "unlock", password: await lockPassword(host) }));
    case "remove-all":
      return succeed(host, await askOr(NO_AGENT, { request: "remove_all" }));
  }
  const [word] = given.words;
  const name = word.startsWith("https://") ? accountOfIssuer(host, word) : word;
  if (has(given, "remove")) {
    return succeed(host, await askOr(NO_AGENT, { request: "remove", account: name }));
  }
  if (!isAccountName(name) || !accountFiles(host).has(name)) {
    throw failure("No account configured with that short name");
  }
  if (has(given, "print")) {
    const { account } = await openAccount(host, given, name);
    return host.answer(JSON.stringify(JSON.parse(await textOf(account)), undefined, "\t") + "\n");
  }
  await load(host, given, name);
}

/** Prints the names of all accounts, with a headline for people. */
export function listAccounts(host: Host): void {
  printNames(host, "The following account configurations are usable: ", accountFiles(host).names());
}

async function listLoaded(host: Host): Promise<void> {
  const { info } = await askOr(NO_AGENT, { request: "loaded_accounts" });
  const names = Array.isArray(info) ? info.map((name) => safeText(String(name), 200)) : [];
  if (names.length === 0 && isOutputTerminal()) {
    return host.answer("No account configurations are currently loaded.\n");
  }
  printNames(host, "The following account configurations are currently loaded: ", names);
}

function printNames(host: Host, headline: string, names: readonly string[]): void {
  const lines = [...(isOutputTerminal() ? [headline] : []), ...names];
  if (lines.length > 0) host.answer(lines.map((line) => `${line}\n`).join(""));
}

function accountOfIssuer(host: Host, issuer: string): string {
  const found = accountFiles(host).issuers().find((one) => sameIssuer(one.issuer, issuer));
  const name = found?.defaultAccount ?? found?.accounts[0];
  if (name !== undefined) return name;
  throw failure("No account configured for that issuer", "The accounts are listed by:\n\t$ oidc-add -l");
}

async function lock(host: Host): Promise<void> {
  const password = await lockPassword(host);
  if (await askPassword(host, "Confirm lock password") !== password) throw failure("Passwords did not match");
  succeed(host, await askOr(NO_AGENT, { request: "lock", password }));
}

async function lockPassword(host: Host): Promise<string> {
  if (host.terminal) return await askPassword(host, "Enter lock password");
  throw failure("the lock password is needed, and this is not a terminal");
}

async function load(host: Host, given: Arguments, name: string): Promise<void> {
  if (!has(given, "force")) {
    const { info } = await askOr(NO_AGENT, { request: "loaded_accounts" });
    if (Array.isArray(info) && info.includes(name)) {
      return host.answer(`Account '${safeText(name, 200)}' already loaded\n`);
    }
  }
  const { account, password } = await openAccount(host, given, name);
  succeed(host, await handOver(account, { password, options: loadOptions(given) }));
}

function loadOptions(given: Arguments): Record<string, unknown> {
  const lifetime = valueOf(given, "lifetime");
  if (lifetime !== undefined && !/^\d{1,9}$/.test(lifetime)) {
    throw new ToolExit(
      64,
      `oidc-add: ${safeText(lifetime, 80)} is not a number of seconds`,
      tryHelp(OIDC_ADD),
    );
  }
  return {
    confirm: has(given, "confirm") ? 1 : 0,
    always_allow_id_token: has(given, "always-allow-idtoken") ? 1 : 0,
    ...(lifetime === undefined ? {} : { lifetime: Number(lifetime) }),
    ...(has(given, "skip-check") ? { plain_add: 1 } : {}),
    ...(has(given, "force") ? { force: 1 } : {}),
  };
}

/** What goes with an account to the agent. */
export interface Handover {
  /** For the original agent, which reads no files. */
  readonly password?: string;
  readonly options?: Readonly<Record<string, unknown>>;
}

/**
 * Loads an account: our agent gets the key of its file and reads it itself; the original gets the account and, so that a
 * rotated refresh token is not lost with it, the password.
 */
export async function handOver(
  account: OpenAccount,
  { password, options = {} }: Handover,
): Promise<AgentReply> {
  const { name, key } = account;
  if (key) {
    try {
      return await ask({
        request: "add",
        account: name,
        key: toBase64(key),
        ...options,
      });
    } catch (error) {
      // the original knows no such form
      if (!(error instanceof ToolExit) || !/Bad Request|NULL|json|config/i.test(error.message)) {
        throw isTokenError(error) && error.code === "unavailable" ? failure(NO_AGENT) : error;
      }
    }
  }
  const entry = !key ? { type: GPG } : password === undefined ? { type: PROMPT } : {
    type: MEMORY,
    password,
    expires_at: 0,
    expires_after: 0,
  };
  return await ask({
    request: "add",
    config: JSON.parse(await textOf(account)),
    pw_entry: { account: name, ...entry },
    ...options,
  });
}

/** How an agent gets at the file again, as the wire of oidc-agent numbers it. */
const [MEMORY, PROMPT, GPG] = [1, 8, 32];

function succeed(host: Host, { info }: AgentReply): void {
  if (typeof info === "string" && info !== "") host.say(safeText(info));
  host.answer("success\n");
}
