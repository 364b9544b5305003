/**
 * What `oidc-gen` does to accounts that there are: print, encrypt anew, rename, delete.
 *
 * @module
 */

import { homedir } from "node:os";
import type { Host } from "../../host/host.ts";
import { readSharedFile, writeSharedFile } from "../../host/shared_files.ts";
import { safeText } from "../../safe_text.ts";
import { accountJson, accountOf } from "../account_config.ts";
import {
  formOf,
  type OpenedAccount,
  openWithGpg,
  openWithPassword,
  writeAccountText,
} from "../account_file.ts";
import { accountFiles } from "../account_files.ts";
import { accountKey } from "../account_key.ts";
import { accountPath, isAccountName } from "../oidc_directory.ts";
import { cjsonText, isOurs } from "./_gen_members.ts";
import { askPassword, givenPassword, newPassword, openAccount, textOf } from "./_passwords.ts";
import { ask, failure, has, ToolExit, valueOf } from "./_tool.ts";
import type { Arguments } from "./argp.ts";

/** The longest file, in bytes. */
const LIMIT = 1024 * 1024;
/** How often a person is asked. */
const TRIES = 3;

/** `-p`: the content of a file, decrypted. */
export async function print(host: Host, given: Arguments): Promise<void> {
  const { text, name } = readFile(host, valueOf(given, "print")!);
  const opened = formOf(text) === "plain" ? { text } : (await opening(host, given, name, text)).opened;
  const members = Object.entries(JSON.parse(opened.text)).filter(([member]) => !isOurs(member));
  host.answer(`${cjsonText(Object.fromEntries(members))}\n`);
}

/** `-u`: the same content under a new salt, in today's form. */
export async function update(host: Host, given: Arguments): Promise<void> {
  const { text, name, path } = readFile(host, valueOf(given, "update")!);
  const isPlain = formOf(text) === "plain";
  const { opened, password } = isPlain
    ? { opened: { text: text.trim() }, password: undefined }
    : await opening(host, given, name, text);
  const recipient = valueOf(given, "pw-gpg") ??
    ("seal" in opened && opened.seal.kind === "gpg" ? opened.seal.recipient : undefined);
  const seal = recipient !== undefined
    ? { kind: "gpg", recipient } as const
    : { kind: "password", key: await accountKey(password ?? await newPassword(host, given, name)) } as const;
  writeSharedFile(path, new TextEncoder().encode(await writeAccountText(opened.text, seal)));
  host.answer("Updated config file format\n");
}

/** `--rename`: the account in a file of another name; the one before is gone. */
export async function rename(host: Host, given: Arguments, name: string): Promise<void> {
  const renamed = valueOf(given, "rename")!;
  const files = accountFiles(host);
  if (!isAccountName(renamed)) throw failure(`"${safeText(renamed, 80)}" cannot be the name of an account`);
  if (files.has(renamed)) throw failure(`There is already an account named ${safeText(renamed, 80)}`);
  const { account } = await openAccount(host, given, name);
  const config = { ...accountOf(JSON.parse(await textOf(account))), name: renamed };
  // an agent that goes on with it would write the old file again
  await ask({ request: "remove", account: name }).catch(() => {});
  const closing = account.key ? { key: account.key } : { recipient: files.recipient(name) ?? "" };
  await files.replace(renamed, JSON.stringify(accountJson(config)), closing);
  await files.remove(name);
  files.assign(config.issuer, renamed);
}

/** `-d`: the client where it was registered for the account, else the sign-in; then the file. */
export async function remove(host: Host, given: Arguments, name: string): Promise<void> {
  const { account } = await openAccount(host, given, name);
  const config = accountOf(JSON.parse(await textOf(account)));
  if (!await confirmed(host, given, "Do you really want to delete this configuration?", false)) return;
  const { registrationAccessToken, registrationClientUri, certPath = "" } = config;
  const isRegistered = registrationAccessToken !== undefined && registrationClientUri !== undefined;
  const withClient = isRegistered &&
    await confirmed(host, given, "Do you also want to delete the client at the server?", true);
  const done = await ask({ request: "delete", config: accountJson(config) }).catch((error) =>
    told(host, error)
  );
  if (withClient) {
    await ask({
      request: "delete_client",
      registration_client_uri: registrationClientUri,
      registration_access_token: registrationAccessToken,
      cert_path: certPath,
    }).catch((error) => told(host, error));
  }
  // an agent that could not revoke may still have it loaded
  if (!done) await ask({ request: "remove", account: name }).catch(() => {});
  await accountFiles(host).remove(name);
  host.answer(
    "The generated account was successfully removed from oidc-agent. You don't have to run oidc-add.\n" +
      "Successfully deleted account configuration.\n",
  );
}

/** What the server does not do is said, and the account goes all the same. */
function told(host: Host, error: unknown): undefined {
  if (!(error instanceof ToolExit)) throw error;
  for (const line of error.lines) host.say(line);
  return undefined;
}

async function confirmed(host: Host, given: Arguments, question: string, preset: boolean): Promise<boolean> {
  if (has(given, "confirm-yes")) return true;
  if (has(given, "confirm-no")) return false;
  if (has(given, "confirm-default")) return preset;
  if (!host.terminal || valueOf(given, "prompt") === "none") {
    throw failure("a confirmation is needed, and nobody can be asked here", "Give it with --confirm-yes");
  }
  const hint = preset ? "[Yes/no/quit]" : "[No/yes/quit]";
  const answer = (await host.terminal.ask(`${question} ${hint}`)).toLowerCase();
  if (/^q(uit)?$/.test(answer)) throw new ToolExit(1);
  return answer === "" ? preset : /^y(es)?$/.test(answer);
}

function readFile(host: Host, file: string): { text: string; name: string; path: string } {
  const isPath = /^[/~]/.test(file);
  const home = host.environment("HOME") ?? homedir();
  const path = isPath ? file.replace(/^~(?=\/|$)/, home) : accountPath(host, file);
  const bytes = readSharedFile(path, { limit: LIMIT });
  if (!bytes) throw failure("could not open file - file does not exist");
  return { text: new TextDecoder().decode(bytes), name: file, path };
}

interface Opening {
  readonly opened: OpenedAccount;
  readonly password?: string;
}

async function opening(host: Host, given: Arguments, name: string, text: string): Promise<Opening> {
  if (formOf(text) === "gpg") return { opened: await openWithGpg(text) };
  const said = await givenPassword(host, given);
  for (let tries = 0; tries < (said === undefined ? TRIES : 1); tries++) {
    const password = said ??
      await askPassword(host, `Enter decryption password for account config '${safeText(name, 80)}'`);
    const opened = await openWithPassword(text, { password });
    if (opened) return { opened, password };
  }
  const words = "Error: reached maximum number of tries";
  throw new ToolExit(1, words, words);
}
