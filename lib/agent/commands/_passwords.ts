/**
 * Where the tools get the password of an account: a variable, a command, a file, or a person.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { isTokenError } from "../../errors.ts";
import type { Host } from "../../host/host.ts";
import { safeText } from "../../safe_text.ts";
import type { OpenAccount } from "../account.ts";
import { accountFiles } from "../account_files.ts";
import { failure, ToolExit, valueOf } from "./_tool.ts";
import type { ArgpOption, Arguments } from "./argp.ts";

/** The options about passwords that `oidc-gen` and `oidc-add` share. */
export const PASSWORD_OPTIONS: readonly ArgpOption[] = [
  {
    key: "pw-cmd",
    long: ["pw-cmd"],
    argument: "CMD",
    help: "a command of yours that prints the encryption password",
  },
  {
    key: "pw-env",
    long: ["pw-env"],
    argument: "OIDC_ENCRYPTION_PW",
    optional: true,
    help: "take the encryption password from that variable",
  },
  {
    key: "pw-file",
    long: ["pw-file"],
    argument: "FILE",
    help: "the encryption password is the first line of FILE",
  },
  {
    key: "pw-gpg",
    long: ["pw-gpg", "pw-pgp", "gpg", "pgp"],
    argument: "KEY_ID",
    help: "encrypt with that key of gpg instead of a password",
  },
  {
    key: "pw-prompt",
    long: ["pw-prompt"],
    argument: "cli|gui",
    help: "how to ask for a password; always in the terminal",
  },
  { key: "seccomp", long: ["seccomp"] },
];

/** How often a person is asked. */
const TRIES = 3;

/** The password that options give, if they give one. The order is that of oidc-agent: variable, command, file. */
export async function givenPassword(host: Host, given: Arguments): Promise<string | undefined> {
  if (given.options.some(({ key }) => key === "pw-env")) {
    const value = process.env[valueOf(given, "pw-env") ?? "OIDC_ENCRYPTION_PW"] ??
      host.environment(valueOf(given, "pw-env") ?? "OIDC_ENCRYPTION_PW");
    if (value !== undefined) return value;
  }
  const command = valueOf(given, "pw-cmd");
  if (command !== undefined) return await firstLineOf(command);
  const file = valueOf(given, "pw-file");
  return file === undefined ? undefined : firstLine(read(file));
}

/** Asks a person for something that is not shown. Without a terminal it fails at once. */
export async function askPassword(host: Host, question: string): Promise<string> {
  if (host.terminal) return await host.terminal.askSecret(question);
  throw failure(
    "the encryption password is needed, and this is not a terminal",
    "Give it with --pw-file, --pw-cmd or --pw-env",
  );
}

/**
 * A new password: given by an option, or asked for twice.
 *
 * @param before the password of the same account, which an empty answer keeps
 */
export async function newPassword(
  host: Host,
  given: Arguments,
  name: string,
  before?: string,
): Promise<string> {
  const said = await givenPassword(host, given);
  if (said !== undefined) return said;
  for (;;) {
    const shown = before === undefined ? "" : " [***]";
    const first = await askPassword(
      host,
      `Enter encryption password for account configuration '${name}'${shown}`,
    );
    if (first === "" && before !== undefined) return before;
    if (await askPassword(host, "Confirm encryption Password") === first) return first;
    host.say("Encryption passwords did not match.");
  }
}

/** An account with what opened it. */
export interface OpenedByPerson {
  readonly account: OpenAccount;
  /** The password, where there is one and it was not the key of gpg. */
  readonly password?: string;
}

/** Opens an account's file: with the password that an option gives, with gpg, or with what a person says. */
export async function openAccount(host: Host, given: Arguments, name: string): Promise<OpenedByPerson> {
  const files = accountFiles(host);
  if (files.protection(name) === "gpg") return { account: await files.open(name, { gpg: true }) };
  const said = await givenPassword(host, given);
  for (let tries = 0; tries < (said === undefined ? TRIES : 1); tries++) {
    const password = said ??
      await askPassword(host, `Enter decryption password for account config '${safeText(name, 80)}'`);
    try {
      return { account: await files.open(name, { password }), password };
    } catch (error) {
      if (!isTokenError(error) || error.code !== "key") throw error;
    }
  }
  const words = "Error: reached maximum number of tries";
  throw new ToolExit(1, words, words);
}

/** The text of an opened account. */
export async function textOf(account: OpenAccount): Promise<string> {
  const stored = await account.sessions.read(account.name);
  if (!stored) throw failure("No account configured with that short name");
  return new TextDecoder().decode(stored.value);
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    throw failure(`could not read the password file ${safeText(file, 400)}`);
  }
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0].replace(/\r$/, "");
}

/** Runs a command as this person's own shell does: the person wrote it on the command line. */
async function firstLineOf(command: string): Promise<string> {
  const child = spawn("/bin/sh", ["-c", command], { stdio: ["inherit", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (chunk: Uint8Array) => text += new TextDecoder().decode(chunk));
  const code = await new Promise((resolve) => {
    child.on("error", () => resolve(undefined));
    child.on("close", resolve);
  });
  if (code !== 0) throw failure("the password command failed");
  return firstLine(text);
}
