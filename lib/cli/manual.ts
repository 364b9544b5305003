/**
 * Manual pages, made from the command table.
 *
 * @module
 */

import type { Command, Option } from "commander";
import { version } from "../version.ts";
import { examplesOf } from "./_command.ts";
import { visibleCommands } from "./completion.ts";

/** When the pages of this version were written: without a date some readers of them complain. */
const DATE = "2026-11-22";

/** A page. */
export interface ManualPage {
  /** The name of its file: `apex-token-get.1`. */
  readonly file: string;
  /** What `man` reads: roff, in ASCII. */
  readonly text: string;
}

/** A page for the program and one for each command, of any depth. */
export function manualPages(root: Command): ManualPage[] {
  return [root, ...descendants(root)].map((command) => ({
    file: `${pageName(command)}.1`,
    text: [...head(command), ...body(command), ...(command === root ? rootSections : []), ...seeAlso(command)]
      .join("\n") + "\n",
  }));
}

function descendants(command: Command): Command[] {
  return visibleCommands(command).flatMap((one) => [one, ...descendants(one)]);
}

function words(command: Command): string[] {
  return command.parent ? [...words(command.parent), command.name()] : [command.name()];
}

function pageName(command: Command): string {
  return words(command).join("-");
}

function head(command: Command): string[] {
  const release = `apex-token ${version}`;
  return [
    `.TH ${quoted(pageName(command).toUpperCase())} 1 ${DATE} ${quoted(release)} ${quoted(release)}`,
    ".SH NAME",
    `${roff(pageName(command))} \\- ${roff(command.description().replace(/\.$/, ""))}`,
    ".SH SYNOPSIS",
    `.B ${roff(words(command).join(" "))}`,
    roff(command.usage()),
  ];
}

function body(command: Command): string[] {
  const rows = examplesOf(command);
  const declared = command.registeredArguments;
  const options = command.options.filter(({ hidden }) => !hidden);
  const below = visibleCommands(command);
  return [
    ...(rows.length === 0 ? [] : [".SH EXAMPLES"]),
    ...rows.flatMap(([line, meaning]) => [".TP", `.B ${roff(line)}`, roff(meaning)]),
    ...(below.length === 0 ? [] : [".SH COMMANDS"]),
    ...below.flatMap((one) => [".TP", `.BR ${pageWord(one)} (1)`, roff(one.description())]),
    ...(declared.length === 0 ? [] : [".SH ARGUMENTS"]),
    ...declared.flatMap((one) => [".TP", `.I ${roff(one.name())}`, roff(one.description || one.name())]),
    ".SH OPTIONS",
    ...options.flatMap((option) => [".TP", `.B ${roff(option.flags)}`, roff(explained(option))]),
    ...[".TP", ".B \\-h, \\-\\-help", "show the help of this command"],
  ];
}

function pageWord(command: Command): string {
  return roff(pageName(command));
}

function explained({ description, argChoices, defaultValue }: Option): string {
  const notes = [
    ...(argChoices ? [`one of ${argChoices.join(", ")}`] : []),
    ...(defaultValue === undefined || typeof defaultValue === "boolean" ? [] : [`default: ${defaultValue}`]),
  ];
  return description + (notes.length === 0 ? "" : ` (${notes.join("; ")})`);
}

function seeAlso(command: Command): string[] {
  const parent = command.parent ? [command.parent] : [];
  const siblings = (command.parent ?? command).commands.filter((one) =>
    one !== command && visibleCommands(command.parent ?? command).includes(one)
  );
  const pages = [...parent, ...siblings].map((one, index, all) =>
    `.BR ${pageWord(one)} (1)${index < all.length - 1 ? "," : ""}`
  );
  return [".SH SEE ALSO", ...pages];
}

const rootSections: readonly string[] = [
  ".SH EXIT STATUS",
  ...([
    ["0", "done"],
    ["1", "a fault of this program"],
    ["2", "the command line, a profile or a URL is not usable"],
    ["4", "somebody has to sign in"],
    ["5", "the server refused"],
    ["6", "the network or the server is down"],
    ["7", "a file or a key cannot be used"],
    ["130", "interrupted"],
  ].flatMap(([code, meaning]) => [".TP", `.B ${code}`, meaning])),
  ".PP",
  "Standard output is the answer and nothing else; it is empty when the command failed.",
  ".SH ENVIRONMENT",
  ...([
    ["APEX_TOKEN_PROFILE", "the profile of a command that names none"],
    ["APEX_TOKEN_PASSPHRASE_FILE", "the file with the passphrase, where no option names one"],
    ["APEX_TOKEN_NO_AGENT", "set to anything: a passphrase that is typed starts no agent to keep its key"],
    ["APEX_CLIENT_ID, APEX_CLIENT_SECRET, APEX_ISSUER", "a service that gets its token without any file"],
    ["SSL_CERT_FILE", "certificate authorities to trust, in PEM"],
    ["BROWSER", "the program that opens a page"],
    ["XDG_CONFIG_HOME, XDG_DATA_HOME, XDG_STATE_HOME", "where profiles, the key and sign-ins are kept"],
  ].flatMap(([name, meaning]) => [".TP", `.B ${roff(name)}`, meaning])),
  ".SH FILES",
  ...([
    ["$XDG_CONFIG_HOME/apex-token", "profiles; no secret is in them"],
    ["$XDG_DATA_HOME/apex-token/store.key", "the key that everything below is encrypted with"],
    ["$XDG_STATE_HOME/apex-token", "sign-ins and tokens, encrypted"],
  ].flatMap(([name, meaning]) => [".TP", `.I ${roff(name)}`, meaning])),
];

/** A text as `man` shows it: nothing in it is an order, and a hyphen can be copied. */
function roff(text: string): string {
  const escaped = text.replace(/\s+/g, " ").replaceAll("\\", "\\e").replaceAll("-", "\\-")
    .replaceAll("'", "\\(aq").replaceAll('"', "\\(dq").replaceAll("^", "\\(ha").replaceAll("~", "\\(ti")
    .replaceAll("`", "\\(ga");
  return [...escaped].map((character) => {
    const code = character.codePointAt(0)!;
    return code < 128 ? character : `\\[u${code.toString(16).toUpperCase().padStart(4, "0")}]`;
  }).join("").replace(/^(?=\.)/, "\\&");
}

function quoted(text: string): string {
  return `"${roff(text)}"`;
}
