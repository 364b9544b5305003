/**
 * What the tools share: how they fail, how they talk to people and to an agent.
 *
 * @module
 */

import { isatty } from "node:tty";
import { isTokenError, type TokenError } from "../../errors.ts";
import type { Host } from "../../host/host.ts";
import { agent } from "../client.ts";
import { ownTerminal } from "../own_terminal.ts";
import type { AgentReply, AgentRequest } from "../requests.ts";
import { type ArgpTable, type Arguments, readArguments } from "./argp.ts";
import { helpText, tryHelp, usageLine, usageText } from "./argp_help.ts";
import { FILE_VERSION } from "../file_version.ts";

export { has, valueOf, valuesOf } from "./argp.ts";

/** How a tool ends before its end. */
export class ToolExit extends Error {
  /** What people read, on standard error. */
  readonly lines: readonly string[];
  /** 0, 1 or 64. */
  readonly code: number;

  constructor(code: number, ...lines: readonly string[]) {
    super(lines[0] ?? "");
    this.name = "ToolExit";
    this.code = code;
    this.lines = lines;
  }
}

/** A failure in the words that scripts know: `Error: …`, help in the lines after it, exit code 1. */
export function failure(error: string, ...help: readonly (string | undefined)[]): ToolExit {
  return new ToolExit(1, `Error: ${error}`, ...help.filter((line) => line !== undefined));
}

/** A command line that makes no sense: exit code 64. */
export function misuse(table: ArgpTable): ToolExit {
  return new ToolExit(64, usageLine(table), tryHelp(table));
}

/** Reads a command line, and answers `--help`, `--usage` and `--version`. */
export function argumentsOf(host: Host, table: ArgpTable, args: readonly string[]): Arguments {
  const read = readArguments(table, args);
  if ("fault" in read) throw new ToolExit(64, read.fault, tryHelp(table));
  // the first of them is answered, as the words come
  const asked = read.options.find(({ key }) => ["help", "usage", "version"].includes(key));
  if (!asked) return read;
  const answers: Record<string, () => string> = {
    help: () => helpText(table),
    usage: () => usageText(table),
    version: () => `${table.tool} ${FILE_VERSION}\n`,
  };
  host.answer(answers[asked.key]());
  throw new ToolExit(0);
}

/** Runs a tool to its exit code. */
export async function exitCodeOf(host: Host, work: () => Promise<void>): Promise<number> {
  try {
    await work();
    return 0;
  } catch (error) {
    if (error instanceof ToolExit) return ended(host, error);
    if (!isTokenError(error)) throw error;
    if (error.code === "aborted") return ended(host, new ToolExit(1));
    return ended(host, failure(wordsOf(error), error.nextStep));
  }
}

function ended(host: Host, { code, lines }: ToolExit): number {
  if (lines.length > 0) {
    const text = lines.join("\n");
    host.say(host.color && code === 1 ? `\x1b[31m${text}\n\x1b[0m` : text);
  }
  return code;
}

/** A failure of a server in its own words, as the original has them: `invalid_grant: Token is not active`. */
export function wordsOf(error: TokenError): string {
  const { serverError, serverDescription, message } = error;
  if (serverError === undefined) return message;
  return serverDescription === undefined ? serverError : `${serverError}: ${serverDescription}`;
}

/** Sends a request to the agent; a failure that it reports is thrown. */
export async function ask(request: AgentRequest): Promise<AgentReply> {
  return succeededReply(await agent().request(withTerminal(request)));
}

/** A reply that is no failure; one that is is thrown. */
export function succeededReply(reply: AgentReply): AgentReply {
  if (reply.error === undefined && reply.status !== "failure") return reply;
  const { error = "the agent reports a failure without a reason", info } = reply;
  // the one message that the original says without the word in front
  if (error === "operation forbidden") throw new ToolExit(1, error);
  throw failure(String(error), typeof info === "string" ? info.replace(/\n$/, "") : undefined);
}

/** The same, where an agent that cannot be reached is told as `told`. */
export async function askOr(told: string, request: AgentRequest): Promise<AgentReply> {
  try {
    return await ask(request);
  } catch (error) {
    if (isTokenError(error) && ["unavailable", "invalid_response"].includes(error.code)) {
      throw failure(told, "To start an agent, run:\n\t$ eval `oidc-agent-service start`");
    }
    throw error;
  }
}

/** With the caller's terminal, so that the agent can ask there. */
function withTerminal(request: AgentRequest): AgentRequest {
  const terminal = ownTerminal();
  return terminal === undefined ? request : { ...request, terminal };
}

/** Whether standard output is a terminal. */
export function isOutputTerminal(): boolean {
  return isatty(1);
}
