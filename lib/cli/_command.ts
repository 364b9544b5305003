/**
 * What the commands' tables share.
 *
 * @module
 */

import { Command, Option } from "commander";
import type { Host } from "../host/host.ts";

/** A command with its help. */
export function command(name: string, description: string): Command {
  return new Command(name).description(description).helpOption("-h, --help", "show this help");
}

/** A command line, and what it does. */
export type Example = readonly [line: string, meaning: string];

const examplesByCommand = new WeakMap<Command, readonly Example[]>();

/** The examples of a command. */
export function examplesOf(command: Command): readonly Example[] {
  return examplesByCommand.get(command) ?? [];
}

/** Examples come first in every help: they are what people look for. */
export function examples(target: Command, rows: readonly Example[]): void {
  examplesByCommand.set(target, rows);
  const text = rows.map(([line, meaning]) => `  ${line}\n      ${meaning}`).join("\n");
  target.addHelpText("before", `Examples:\n${text}\n`);
}

/** How a server is reached, where no profile says. */
export function reachOptions(target: Command): void {
  target
    .option("--ca-file <file>", "trust the certificate authorities in this file too (PEM)")
    .option("--allow-insecure-loopback", "permit an http issuer on this machine, for tests");
}

/** Where a passphrase comes from, where one protects the sign-in. */
export function passphraseOption(target: Command): void {
  target.option(
    "--passphrase-file <file>",
    "the passphrase is in this file, /dev/fd/N or -; default: APEX_TOKEN_PASSPHRASE_FILE, or a prompt",
  );
}

/** A command that opens a sign-in: where its passphrase comes from, said before it runs. */
export function withPassphrase(host: Host, target: Command): Command {
  passphraseOption(target);
  return target.hook("preAction", async (_, running) => {
    const { usePassphraseFiles } = await import("../profile/passphrase.ts");
    usePassphraseFiles(host, { present: running.opts<{ passphraseFile?: string }>().passphraseFile });
  });
}

/** The form in which a token is printed. */
export function outputOption(): Option {
  return new Option("-o, --output <form>", "how it is printed").choices(["token", "json", "header", "env"])
    .default("token");
}
