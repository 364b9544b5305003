/**
 * `oidc-agent`: an agent in the background, or around a command.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { constants } from "node:os";
import { resolve } from "node:path";
import process from "node:process";
import type { Host } from "../../host/host.ts";
import { safeText } from "../../safe_text.ts";
import { accountFiles } from "../account_files.ts";
import type { AgentOptions } from "../agent_options.ts";
import { resolvedSocket, startAgent, stopAgent } from "../daemon.ts";
import { runAgent } from "../run.ts";
import { settings } from "../settings.ts";
import { shellWord } from "../shell_word.ts";
import { cjsonText } from "./_gen_members.ts";
import { argumentsOf, askOr, failure, has, ToolExit, valueOf } from "./_tool.ts";
import type { Arguments } from "./argp.ts";
import { tryHelp } from "./argp_help.ts";
import { OIDC_AGENT } from "./oidc_agent_options.ts";

/** Runs `oidc-agent`. */
export async function oidcAgent(host: Host, args: readonly string[]): Promise<void> {
  const given = argumentsOf(host, OIDC_AGENT, args);
  if (has(given, "kill")) return await kill(host);
  if (has(given, "status")) return await status(host, given);
  const socket = socketOf(host, given);
  const options = agentOptions(host, given);
  const pidFile = valueOf(given, "pid-file");
  const start = { socket, options, link: false, ...(pidFile ? { pidFile: resolve(pidFile) } : {}) };
  if (given.words.length > 0) return await around(host, start, given.words);
  if (has(given, "console")) {
    return await runAgent(host, {
      ...start,
      store: accountFiles(host),
      onReady: () => host.answer(exportLines(given, socket, process.pid)),
    });
  }
  const { pid } = await startAgent(host, start);
  host.answer(exportLines(given, socket, pid));
}

/** What the options say, and the `config` file where they say nothing. */
export function agentOptions(host: Host, given: Arguments): AgentOptions {
  const said = settings(host)["oidc-agent"] ?? {};
  const lifetime = valueOf(given, "lifetime") ?? said.lifetime;
  if (lifetime !== undefined && !/^\d{1,9}$/.test(String(lifetime))) {
    throw new ToolExit(
      64,
      `oidc-agent: ${safeText(String(lifetime), 80)} is not a number of seconds`,
      tryHelp(OIDC_AGENT),
    );
  }
  const allows = (option: string, key: string) => !has(given, option) && said[key] !== false;
  const demands = (option: string, key: string) => has(given, option) || said[key] === true;
  const group = has(given, "with-group") ? valueOf(given, "with-group") ?? "oidc-agent" : said.group;
  return {
    ...(lifetime === undefined ? {} : { lifetime: Number(lifetime) }),
    autoload: allows("no-autoload", "autoload"),
    reauthenticate: allows("no-autoreauthenticate", "auto-reauthenticate"),
    webserver: allows("no-webserver", "webserver"),
    customScheme: allows("no-scheme", "custom-uri-scheme"),
    confirm: demands("confirm", "confirm"),
    alwaysAllowIdToken: demands("always-allow-idtoken", "always_allow_id_token"),
    ...(typeof group === "string" && group !== "" ? { group } : {}),
    ...(typeof said.cert_path === "string" && said.cert_path !== "" ? { certPath: said.cert_path } : {}),
  };
}

function socketOf(host: Host, given: Arguments): string {
  const name = `oidc-agent.${process.ppid}`;
  const asked = valueOf(given, "socket-path");
  const path = asked === undefined
    ? `${host.environment("TMPDIR") ?? "/tmp"}/oidc-XXXXXX/${name}`
    : asked.endsWith("/")
    ? `${asked}${name}`
    : asked;
  return resolvedSocket(resolve(path));
}

function exportLines(given: Arguments, socket: string, pid: number): string {
  if (has(given, "json")) return `${cjsonText({ socket, dpid: String(pid) })}\n`;
  return `OIDC_SOCK=${shellWord(socket)}; export OIDC_SOCK;\n` +
    `OIDCD_PID=${pid}; export OIDCD_PID;\n` +
    (has(given, "quiet") ? "" : "echo Agent pid $OIDCD_PID\n");
}

async function kill(host: Host): Promise<void> {
  const pid = Number(host.environment("OIDCD_PID"));
  if (!Number.isInteger(pid) || pid < 2) throw new ToolExit(1, "OIDCD_PID not set, cannot kill Agent");
  const socket = host.environment("OIDC_SOCK");
  // what answers at the socket is this agent; without one, the process id has to do
  if (!socket || await stopAgent(host, socket) !== pid) {
    try {
      process.kill(pid);
    } catch {
      throw failure(`could not kill the agent with pid ${pid}`);
    }
  }
  host.answer(`unset OIDC_SOCK;\nunset OIDCD_PID;\necho Agent pid ${pid} killed;\n`);
}

async function status(host: Host, given: Arguments): Promise<void> {
  const isJson = has(given, "json");
  const { info } = await askOr("Could not connect to oidc-agent", {
    request: isJson ? "status_json" : "status",
  });
  host.answer(typeof info === "string" ? `${info}\n` : `${JSON.stringify(info, undefined, "\t")}\n`);
}

/** An agent for one command: it ends with it. */
async function around(
  host: Host,
  start: Parameters<typeof startAgent>[1] & { readonly socket: string },
  [program, ...args]: readonly string[],
): Promise<void> {
  const { pid } = await startAgent(host, { ...start, watch: process.pid });
  const env = { ...process.env, OIDC_SOCK: start.socket, OIDCD_PID: String(pid) };
  try {
    const child = spawn(program, args, { stdio: "inherit", env });
    const code = await new Promise<number>((resolve, reject) => {
      child.on("error", () => reject(failure(`could not run ${safeText(program, 400)}`)));
      child.on("close", (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
    });
    if (code !== 0) throw new ToolExit(code);
  } finally {
    await stopAgent(host, start.socket);
  }
}
