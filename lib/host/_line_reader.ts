/**
 * One line from a terminal.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import { abortError, onSignals } from "./interrupt.ts";
import { prompt } from "./standard_streams.ts";

/** How a line is read. */
export interface ReadLineOptions {
  /** What is shown in front of it. */
  readonly invitation: string;
  /** Whether what is typed stays unseen. */
  readonly secret: boolean;
  /** Stops the reading. */
  readonly signal?: AbortSignal;
}

/** Reads lines. What was typed ahead is kept for the next one. */
export interface LineReader {
  /** @throws {TokenError} `aborted` on Ctrl-C, at the end of the input, or by `signal` */
  read(options: ReadLineOptions): Promise<string>;
}

/** The part of `process.stdin` that is used. */
export interface TerminalInput {
  readonly readableEnded: boolean;
  readonly destroyed: boolean;
  setRawMode?(raw: boolean): unknown;
  resume(): unknown;
  pause(): unknown;
  on(event: string, listener: (chunk: Uint8Array | string) => void): unknown;
  off(event: string, listener: (chunk: Uint8Array | string) => void): unknown;
}

/** What {@linkcode lineEditor} has understood so far. */
type Outcome = { readonly line: string } | { readonly end: "interrupt" | "input" } | undefined;

/** A line is never longer than this; what goes beyond is dropped, as a terminal driver does. In characters. */
const LONGEST_LINE = 64 * 1024;

/** Makes a reader of a terminal's lines. */
export function lineReader(input: TerminalInput): LineReader {
  const decoder = new TextDecoder();
  const ahead: string[] = [];
  // a terminal that goes away says so when nobody reads, too
  input.on("error", () => {});
  return { read: (options) => readLine(input, decoder, ahead, options) };
}

function readLine(
  input: TerminalInput,
  decoder: TextDecoder,
  ahead: string[],
  { invitation, secret, signal }: ReadLineOptions,
): Promise<string> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(abortError(signal));
    if (input.readableEnded || input.destroyed) return reject(ended());
    const edit = lineEditor();
    let settled = false;
    const settle = (act: () => void): void => {
      if (settled) return;
      settled = true;
      stopListening();
      signal?.removeEventListener("abort", abort);
      for (const [event, listener] of listeners) input.off(event, listener);
      input.pause();
      if (secret) leaveRawMode(input);
      act();
    };
    const fail = (error: TokenError): void => {
      ahead.length = 0;
      settle(() => reject(error));
    };
    const abort = (): void => fail(abortError(signal!));
    const consume = (): void => {
      while (ahead.length > 0 && !settled) {
        const character = ahead.shift()!;
        if (character === "\r" && ahead[0] === "\n") ahead.shift();
        const outcome = edit(character);
        if (outcome === undefined) continue;
        if ("line" in outcome) settle(() => resolve(outcome.line));
        else fail(outcome.end === "interrupt" ? new TokenError("aborted", "Interrupted") : ended());
      }
    };
    const listeners: [string, (chunk: Uint8Array | string) => void][] = [
      ["data", (chunk) => {
        ahead.push(...(typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true })));
        consume();
      }],
      ["end", () => fail(ended())],
      ["error", () => fail(ended())],
    ];
    // Ctrl-C is a signal unless the mode is raw; in raw mode a signal from elsewhere must not leave a mute terminal.
    const stopListening = onSignals((name) => fail(new TokenError("aborted", `Interrupted (${name})`)));
    signal?.addEventListener("abort", abort);
    // Raw before the invitation: whoever answers it at once is not echoed any more.
    if (secret) input.setRawMode?.(true);
    prompt(invitation);
    for (const [event, listener] of listeners) input.on(event, listener);
    consume();
    if (!settled) input.resume();
  });
}

/** A terminal that has gone away cannot be put back, and need not be. */
function leaveRawMode(input: TerminalInput): void {
  try {
    input.setRawMode?.(false);
  } catch {
    // Bun throws it, Node and Deno emit it
  }
}

function ended(): TokenError {
  return new TokenError("aborted", "Cannot read an answer: the input ended");
}

/**
 * Understands one character at a time what a person does to a line. In raw mode nobody else does; otherwise the terminal
 * has done it, and only whole lines arrive.
 */
function lineEditor(): (character: string) => Outcome {
  let typed: string[] = [];
  let escape: "" | "start" | "sequence" = "";
  return (character) => {
    if (escape !== "") {
      // ESC [ parameters final, ESC O final, or ESC and one character: keys that mean nothing here.
      if (escape === "start" && (character === "[" || character === "O")) escape = "sequence";
      else if (escape === "start" || /[@-~]/.test(character)) escape = "";
      return undefined;
    }
    switch (character) {
      case "\r":
      case "\n":
        return { line: typed.join("") };
      case "\x03":
        return { end: "interrupt" };
      case "\x04":
        return typed.length === 0 ? { end: "input" } : undefined;
      case "\x7f":
      case "\b":
        typed.pop();
        return undefined;
      case "\x15":
        typed = [];
        return undefined;
      case "\x17":
        typed = [...typed.join("").replace(/\S*\s*$/, "")];
        return undefined;
      case "\x1b":
        escape = "start";
        return undefined;
      default:
        if (character >= " " && typed.length < LONGEST_LINE) typed.push(character);
        return undefined;
    }
  };
}
