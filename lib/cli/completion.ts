/**
 * What could come next on a command line that somebody is typing, by the command table.
 *
 * @module
 */

import type { Argument, Command, Option } from "commander";

/** A word that fits, and what it is for. */
export interface Candidate {
  readonly word: string;
  readonly meaning?: string;
}

/** What could come next: one of these words, or the path of a file. */
export type Completion = { readonly words: readonly Candidate[] } | "file";

/** What the table does not know. */
export interface CompletionSources {
  profiles(): readonly string[];
  /** The words that an issuer can be named by. */
  issuers(): readonly Candidate[];
}

/**
 * The candidates for a word that begins with `current`.
 *
 * @param before the whole words before it, without the program's name
 */
export function complete(
  root: Command,
  before: readonly string[],
  current: string,
  sources: CompletionSources,
): Completion {
  const { command, positionals, awaiting, onlyWords } = walk(root, before);
  const [, name, value] = (!awaiting && !onlyWords && /^(--[^=]+)=([^]*)$/.exec(current)) || [];
  if (name !== undefined) return withName(name, value, command, sources);
  const found = awaiting
    ? valuesOf(awaiting, sources)
    : current.startsWith("-") && !onlyWords
    ? { words: optionsOf(command) }
    : isHelp(command, positionals)
    ? { words: commandsOf(root) }
    : nextWord(command, positionals, sources);
  if (found === "file") return found;
  return { words: found.words.filter(({ word }) => word.startsWith(current)) };
}

/** The candidates for the value of an option that is written as `--name=value`: whole words, too. */
function withName(name: string, value: string, command: Command, sources: CompletionSources): Completion {
  const option = command.options.find(({ long, required }) => long === name && required);
  const found = option ? valuesOf(option, sources) : { words: [] };
  if (found === "file") return found;
  const fitting = found.words.filter(({ word }) => word.startsWith(value));
  return { words: fitting.map((candidate) => ({ ...candidate, word: `${name}=${candidate.word}` })) };
}

interface Place {
  readonly command: Command;
  /** The words that are neither options nor commands. */
  readonly positionals: readonly string[];
  /** An option that has no value yet. */
  readonly awaiting?: Option;
  /** Whether `--` has said that no more options follow. */
  readonly onlyWords: boolean;
}

function walk(root: Command, before: readonly string[]): Place {
  let command = root;
  let positionals: string[] = [];
  let awaiting: Option | undefined;
  let onlyWords = false;
  for (const word of before) {
    if (awaiting) awaiting = undefined;
    else if (word === "--" && !onlyWords) onlyWords = true;
    else if (word.startsWith("-") && !onlyWords) {
      const option = command.options.find(({ short, long }) => word === short || word === long);
      if (option?.required) awaiting = option;
    } else {
      const below = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
      if (below && positionals.length === 0) command = below;
      else positionals = [...positionals, word];
    }
  }
  return { command, positionals, awaiting, onlyWords };
}

/** `apex-token help`, which the parser adds by itself. */
function isHelp(command: Command, positionals: readonly string[]): boolean {
  return command.parent === null && positionals[0] === "help" && positionals.length === 1;
}

function nextWord(
  command: Command,
  positionals: readonly string[],
  sources: CompletionSources,
): Completion {
  if (command.commands.length > 0) return { words: positionals.length === 0 ? commandsOf(command) : [] };
  const declared = command.registeredArguments;
  const next = declared[positionals.length] ?? (declared.at(-1)?.variadic ? declared.at(-1) : undefined);
  return next ? valuesOf(next, sources) : { words: [] };
}

function valuesOf(taker: Option | Argument, sources: CompletionSources): Completion {
  if (taker.argChoices) return { words: taker.argChoices.map((word) => ({ word })) };
  const what = "flags" in taker ? /<([^>]+)>/.exec(taker.flags)?.[1] : taker.name();
  if (["file", "path", "dir", "directory"].includes(what ?? "")) return "file";
  if ("flags" in taker) return { words: taker.long === "--issuer" ? sources.issuers() : [] };
  return { words: what === "name" || what === "profile" ? sources.profiles().map((word) => ({ word })) : [] };
}

/** What a person is shown of the commands: hidden ones are for programs. */
export function visibleCommands(command: Command): Command[] {
  return command.commands.filter((one) => !(one as unknown as { _hidden?: boolean })._hidden);
}

function commandsOf(command: Command): Candidate[] {
  const words = visibleCommands(command).map((one) => ({ word: one.name(), meaning: one.description() }));
  return command.parent === null
    ? [...words, { word: "help", meaning: "show the help of a command" }]
    : words;
}

function optionsOf(command: Command): Candidate[] {
  const options = command.options.filter(({ hidden }) => !hidden).map((option) => ({
    word: option.long ?? option.short!,
    meaning: option.description,
  }));
  return [...options, { word: "--help", meaning: "show this help" }];
}
