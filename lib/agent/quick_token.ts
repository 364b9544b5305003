/**
 * The quick way of `oidc-token` in the compiled program: one request, one line. `node:net`, `node:tty` and `node:crypto`
 * take several times as long to load as all of it.
 *
 * It speaks in the clear, which both agents understand: whoever can read along at this person's own socket can ask there
 * as well.
 *
 * @module
 */

import { existsSync } from "node:fs";
import type { FastSockets } from "../host/fast_secret.ts";
import { printed, readTokenWords, tokenRequest } from "./commands/_token_words.ts";
import { type Arguments, has, valueOf } from "./commands/argp.ts";
import { ownTerminal } from "./own_terminal.ts";
import { quickExchange } from "./quick_exchange.ts";
import type { AgentReply, AgentRequest } from "./requests.ts";
import { findSocket, ownUid } from "./sockets.ts";

/** What came of it: all was printed, the agent said something else, or nothing was begun. */
export type QuickOutcome = "printed" | AgentReply | undefined;

/** What of Bun is needed. */
export interface QuickBun extends FastSockets {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: unknown;
  write(file: unknown, text: string): Promise<number>;
}

/** How long the agent may take, in milliseconds: it may wait for a person. */
const PATIENCE = 330_000;

/** Prints the token if the agent gives one. Whatever is not plain and well is left to the slow way. */
export async function quickToken(bun: QuickBun, args: readonly string[]): Promise<QuickOutcome> {
  const given = readTokenWords(args);
  if ("fault" in given || given.words.length !== 1) return undefined;
  if (["help", "usage", "version", "mytoken", "id-token"].some((key) => has(given, key))) return undefined;
  const environment = (name: string) => bun.env[name] || undefined;
  const minValidity = secondsOf(given, environment);
  if (minValidity === undefined) return undefined;
  const reply = await asked(bun, environment, tokenRequest(given, minValidity)).catch(() => undefined);
  if (reply?.status !== "success" || reply.error !== undefined) return reply;
  const text = printed(given, reply);
  if (text === undefined) return reply;
  try {
    await bun.write(bun.stdout, text);
    return "printed";
  } catch (error) {
    // a reader that went away ends it quietly; anything else fails there in the same way, with words
    return (error as { code?: unknown }).code === "EPIPE" ? "printed" : reply;
  }
}

type Environment = (name: string) => string | undefined;

function secondsOf(given: Arguments, environment: Environment): number | undefined {
  const time = valueOf(given, "time");
  if (time !== undefined) return /^\d{1,9}$/.test(time) ? Number(time) : undefined;
  return mayHaveSettings(environment) ? undefined : 0;
}

/** Whether there may be a `config` of oidc-agent 5, which has a word to say about the time. */
function mayHaveSettings(environment: Environment): boolean {
  const home = environment("HOME");
  const own = environment("OIDC_CONFIG_DIR");
  if (!home || environment("OIDC_USER_CONFIG")) return true;
  const folders = [
    ...(own ? [own] : []),
    `${home}/.config/oidc-agent`,
    `${home}/.oidc-agent`,
    environment("APEX_TOKEN_OIDC_AGENT_ETC") ?? "/etc/oidc-agent",
  ];
  return folders.some((folder) => existsSync(`${folder}/config`));
}

/** Asks the agent. Nothing when none answers in a way that this understands. */
async function asked(
  bun: QuickBun,
  environment: Environment,
  request: AgentRequest,
): Promise<AgentReply | undefined> {
  const runtime = environment("XDG_RUNTIME_DIR");
  const unix = findSocket({
    environment,
    uid: ownUid(),
    ...(runtime?.startsWith("/") ? { runtime: `${runtime}/apex-token` } : {}),
  });
  const terminal = ownTerminal();
  const message = JSON.stringify(terminal === undefined ? request : { ...request, terminal });
  const text = await quickExchange(bun, unix, message, PATIENCE);
  const reply: unknown = text === undefined ? undefined : JSON.parse(text);
  return typeof reply === "object" && reply !== null ? reply as AgentReply : undefined;
}
