/**
 * `apex-token agent`: the agent that clients of oidc-agent talk to.
 *
 * @module
 */

import { resolve } from "node:path";
import { TokenError } from "../../errors.ts";
import type { Host } from "../../host/host.ts";
import { placeLink, writePlainFile } from "../../host/plain_files.ts";
import { accountFiles } from "../../agent/account_files.ts";
import type { AgentOptions } from "../../agent/agent_options.ts";
import { agent, succeeded } from "../../agent/client.ts";
import { defaultSocket, runningAgent, startAgent, type StartOptions, stopAgent } from "../../agent/daemon.ts";
import { ownCommand } from "../../agent/own_command.ts";
import { runAgent } from "../../agent/run.ts";
import { shellWord } from "../../agent/shell_word.ts";
import { OIDC_TOOLS } from "../../agent/tools.ts";
import { serviceUnit } from "../../agent/service_units.ts";
import { safeText } from "../../safe_text.ts";

/** The options of `agent start`. */
export interface AgentStartCommand extends AgentOptions {
  readonly socket?: string;
  readonly idToken?: boolean;
}

/** Starts an agent, unless one runs, and prints where it is in any case: for `eval`. */
export async function startCommand(
  host: Host,
  { socket, idToken, ...options }: AgentStartCommand,
): Promise<void> {
  const told = { ...options, ...(idToken ? { alwaysAllowIdToken: true } : {}) };
  const running = await startAgent(host, { ...(socket ? { socket: resolve(socket) } : {}), options: told });
  if (running.wasRunning) host.say("An agent is running already.");
  host.answer(exportLines(running.socket, running.pid));
}

/** The lines that a shell reads. */
export function exportLines(socket: string, pid: number): string {
  return `OIDC_SOCK=${shellWord(socket)}; export OIDC_SOCK;\n` +
    (pid > 0 ? `OIDCD_PID=${pid}; export OIDCD_PID;\n` : "");
}

/** Ends the agent. */
export async function stopCommand(host: Host, { socket }: { readonly socket?: string }): Promise<void> {
  const ours = defaultSocket(host);
  const named = socketOf(host, socket);
  // OIDC_SOCK may be another program's agent: ours is meant then
  const pid = await stopAgent(host, named) ?? (socket ? undefined : await stopAgent(host, ours));
  host.say(pid ? `The agent with process id ${pid} has ended.` : "No agent was running.");
}

/** Prints what the agent says about itself. */
export async function statusCommand(
  host: Host,
  { socket, output }: { readonly socket?: string; readonly output?: string },
): Promise<void> {
  const path = socketOf(host, socket);
  if (!await runningAgent(path)) {
    throw new TokenError("unavailable", "No agent is running", {
      nextStep: 'Start one: eval "$(apex-token agent start)"',
    });
  }
  const isJson = output === "json";
  const { info } = succeeded(
    await agent({ socket: path }).request({ request: isJson ? "status_json" : "status" }),
  );
  host.answer(isJson ? JSON.stringify(info) + "\n" : String(info));
}

function socketOf(host: Host, socket?: string): string {
  return socket ? resolve(socket) : host.environment("OIDC_SOCK") ?? defaultSocket(host);
}

/** Links the names of oidc-agent's programs to this one. What is there and no link is left alone. */
export function linksCommand(host: Host, directory: string): void {
  const command = ownCommand();
  if (command.length > 1) {
    throw new TokenError(
      "invalid_argument",
      "Cannot make links: only the single program apex-token can be run by other names",
      {
        nextStep: "Install the binary; or write apex-token oidc-token in place of oidc-token",
      },
    );
  }
  const [program] = command;
  for (const name of OIDC_TOOLS) placeLink(resolve(directory, name), program);
  host.say(`${OIDC_TOOLS.join(", ")} in ${safeText(resolve(directory), 400)} are this program now.`);
}

/** Writes the service that starts the agent with this person's session. */
export function installCommand(host: Host): void {
  const unit = serviceUnit(host);
  if (!unit) {
    throw new TokenError(
      "invalid_argument",
      "Cannot install a service here: this system has neither systemd nor launchd",
      {
        nextStep: 'Put this where your session starts: eval "$(apex-token agent start)"',
      },
    );
  }
  writePlainFile(unit.path, unit.text);
  host.say(`Written: ${safeText(unit.path, 400)}\nTurn it on: ${unit.enable}`);
}

/** Runs the agent in this process. @param told what `agent start` says, as JSON */
export async function runCommand(host: Host, told?: string): Promise<void> {
  const start: StartOptions = told === undefined ? {} : JSON.parse(told);
  await runAgent(host, {
    socket: start.socket ?? defaultSocket(host),
    options: start.options ?? {},
    store: accountFiles(host),
    link: start.link ?? true,
    pidFile: start.pidFile,
    watch: start.watch,
    temporary: start.temporary,
    onReady: told === undefined ? undefined : () => host.answer("ready\n"),
  });
}
