/**
 * Questions to the person at the terminal: asked on standard error, answered on standard input.
 *
 * @module
 */

import process from "node:process";
import { TokenError } from "../errors.ts";
import { type LineReader, lineReader } from "./_line_reader.ts";
import { prompt, say } from "./standard_streams.ts";

/** What every question can be told. */
export interface QuestionOptions {
  /** Takes the question back. */
  readonly signal?: AbortSignal;
}

/**
 * Somebody who can be asked. Questions and choices must be safe text already. Every question rejects with a
 * `TokenError` `aborted` on Ctrl-C, at the end of the input, when the process is asked to end and when `signal`
 * aborts; the terminal is then as it was before.
 */
export interface Terminal {
  /** Asks for a line of text; surrounding white space is dropped. An empty line is the default, which is shown. */
  ask(question: string, options?: QuestionOptions & { readonly default?: string }): Promise<string>;
  /** Asks for something that is not shown while it is typed. */
  askSecret(question: string, options?: QuestionOptions): Promise<string>;
  /** Asks for one of several; gives its index. An empty line is the default, also an index. */
  choose(
    question: string,
    choices: readonly string[],
    options?: QuestionOptions & { readonly default?: number },
  ): Promise<number>;
  /** Asks yes or no. An empty line is the default: no, unless told otherwise. */
  confirm(question: string, options?: QuestionOptions & { readonly default?: boolean }): Promise<boolean>;
}

/** The terminal of this process. Both standard input and standard error must be one. */
export function terminal(): Terminal {
  const reader = lineReader(process.stdin);
  return {
    ask: (question, options) => ask(reader, question, options),
    askSecret: (question, options) => line(reader, inviting(question), true, options?.signal),
    choose: (question, choices, options) => choose(reader, question, choices, options),
    confirm: (question, options) => confirm(reader, question, options),
  };
}

async function ask(
  reader: LineReader,
  question: string,
  options: QuestionOptions & { readonly default?: string } = {},
): Promise<string> {
  const given = await line(reader, inviting(question, options.default), false, options.signal);
  return given.trim() || (options.default ?? "");
}

async function choose(
  reader: LineReader,
  question: string,
  choices: readonly string[],
  options: QuestionOptions & { readonly default?: number } = {},
): Promise<number> {
  if (choices.length === 0) throw new TokenError("internal", "Cannot ask for a choice among nothing");
  const width = String(choices.length).length;
  say(question);
  choices.forEach((choice, index) => say(`  ${String(index + 1).padStart(width)}  ${choice}`));
  const preset = options.default === undefined ? undefined : String(options.default + 1);
  for (;;) {
    const given = await ask(reader, `Choice (1-${choices.length})`, {
      default: preset,
      signal: options.signal,
    });
    const number = /^\d{1,6}$/.test(given) ? Number(given) : 0;
    if (number >= 1 && number <= choices.length) return number - 1;
    const named = choices.findIndex((choice) => choice.toLowerCase() === given.toLowerCase());
    if (named !== -1) return named;
    say(`Please answer with a number from 1 to ${choices.length}.`);
  }
}

async function confirm(
  reader: LineReader,
  question: string,
  options: QuestionOptions & { readonly default?: boolean } = {},
): Promise<boolean> {
  const hint = options.default ? "Y/n" : "y/N";
  for (;;) {
    const given = (await line(reader, inviting(question, hint), false, options.signal)).trim().toLowerCase();
    if (given === "") return options.default ?? false;
    if (given === "y" || given === "yes") return true;
    if (given === "n" || given === "no") return false;
    say("Please answer with yes or no.");
  }
}

async function line(
  reader: LineReader,
  text: string,
  secret: boolean,
  signal?: AbortSignal,
): Promise<string> {
  try {
    const answer = await reader.read({ invitation: text, secret, signal });
    // The terminal showed the Enter that ended the line, unless it was told to show nothing.
    if (secret) prompt("\n");
    return answer;
  } catch (error) {
    prompt("\n");
    throw error;
  }
}

function inviting(question: string, preset?: string): string {
  const shown = preset === undefined ? question : `${question} [${preset}]`;
  return /[?:]$/.test(shown) ? `${shown} ` : `${shown}: `;
}
