/**
 * Where a passphrase comes from: a file, a descriptor, standard input, or the person at the terminal.
 *
 * @module
 */

import { resolve } from "node:path";
import { TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { readSecretFile, secretOf } from "./secret_file.ts";

/** The files with passphrases that somebody named; `-` is standard input. */
export interface PassphraseFiles {
  /** The passphrase that is asked for. */
  readonly present?: string;
  /** The one that is to come into its place. Default: `present`. */
  readonly fresh?: string;
}

const files = new WeakMap<Host, PassphraseFiles>();
// a pipe and standard input give their text once
const contents = new WeakMap<Host, Map<string, Promise<string>>>();

/** Passphrases are read from these files from now on, instead of asking for them. */
export function usePassphraseFiles(host: Host, named: PassphraseFiles): void {
  files.set(host, named);
}

/**
 * The passphrase of a profile from a file, where one is named: by an option or by `APEX_TOKEN_PASSPHRASE_FILE`.
 *
 * @throws {TokenError} `storage` when it cannot be read, `invalid_argument` when there is no text in it
 */
export async function filedPassphrase(host: Host, which: keyof PassphraseFiles): Promise<string | undefined> {
  const { present, fresh } = files.get(host) ?? {};
  const file = (which === "fresh" ? fresh : undefined) ?? present ??
    host.environment("APEX_TOKEN_PASSPHRASE_FILE");
  if (file === undefined) return undefined;
  let known = contents.get(host);
  if (!known) contents.set(host, known = new Map());
  let text = known.get(file);
  if (!text) known.set(file, text = read(host, file));
  return await text;
}

async function read(host: Host, file: string): Promise<string> {
  if (file === "-") return secretOf(await host.readInput(), "passphrase");
  return readSecretFile(resolve(file), "passphrase");
}

/**
 * A passphrase for a profile that has none yet: from a file, or typed twice.
 *
 * @throws {TokenError} `key` when there is nobody to ask
 */
export async function newPassphrase(host: Host, name: string, signal?: AbortSignal): Promise<string> {
  const filed = await filedPassphrase(host, "fresh");
  if (filed !== undefined) return filed;
  if (!host.terminal) throw nobodyToChoose(name);
  for (;;) {
    const one = await host.terminal.askSecret(`A new passphrase for "${name}"`, { signal });
    if (one === "") host.say("It must not be empty.");
    else if (one === await host.terminal.askSecret("The same again", { signal })) return one;
    else host.say("They differ.");
  }
}

/** Without a terminal and without a file, this is what can be done. */
export function nobodyToAsk(name: string): TokenError {
  return new TokenError(
    "key",
    `Cannot open the key of "${name}": it needs a passphrase, and nobody can be asked`,
    {
      nextStep:
        `Run it in a terminal, name a file with --passphrase-file or APEX_TOKEN_PASSPHRASE_FILE, or change what ` +
        `protects it: apex-token protect ${name} --protect key-file`,
    },
  );
}

/** The same for a passphrase that is yet to be chosen. */
function nobodyToChoose(name: string): TokenError {
  return new TokenError(
    "key",
    `Cannot protect the sign-in of "${name}" with a passphrase: nobody can be asked for one`,
    {
      nextStep:
        "Run it in a terminal, name a file with --passphrase-file or APEX_TOKEN_PASSPHRASE_FILE, or use " +
        "--protect key-file",
    },
  );
}
