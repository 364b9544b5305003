/**
 * `oidc-agent-service`: one agent for all shells of a person.
 *
 * @module
 */

import { existsSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import type { Host } from "../../host/host.ts";
import type { RunningAgent } from "../agent_options.ts";
import { startAgent, stopAgent } from "../daemon.ts";
import { oidcDirectory, systemOidcDirectory } from "../oidc_directory.ts";
import { pidPath } from "../run.ts";
import { shellWord } from "../shell_word.ts";
import { ownUid, serviceDirectory } from "../sockets.ts";
import { argumentsOf, failure, ToolExit } from "./_tool.ts";
import { agentOptions } from "./oidc_agent.ts";
import { OIDC_AGENT } from "./oidc_agent_options.ts";

const USAGE = "Usage: oidc-agent-service use | start | restart | restart-s | stop | kill";

/** Runs `oidc-agent-service`. */
export async function oidcAgentService(host: Host, args: readonly string[]): Promise<void> {
  const [command] = args;
  switch (command) {
    case "use":
    case "start":
    case "start-from-x":
      return host.answer(exportLines(await start(host)));
    case "restart":
      await stop(host);
      return host.answer(exportLines(await start(host)));
    case "restart-s":
      await stop(host);
      await start(host);
      return;
    case "stop":
    case "kill": {
      const pid = await stop(host);
      if (pid === undefined) throw new ToolExit(1, "No agent was running.");
      return host.answer(
        `unset OIDC_SOCK;\nunset OIDCD_PID;\necho Agent pid ${pid} killed;\nunset OIDCD_PID_FILE;\n`,
      );
    }
    case "-h":
    case "--help":
      return host.say([
        "oidc-agent-service -- one agent for all your shells",
        USAGE,
        "",
        "  use, start     print where the agent is, for eval; start it where none runs",
        "  restart        end it and start another",
        "  restart-s      the same, and print nothing",
        "  stop, kill     end it",
      ].join("\n"));
    default:
      // this, too, is read by eval
      host.answer(`/bin/echo "${USAGE}"\n`);
      throw new ToolExit(1);
  }
}

function places(host: Host): { readonly socket: string; readonly pidFile: string } {
  const directory = serviceDirectory({ environment: host.environment, uid: ownUid() });
  return { socket: join(directory, "oidc-agent.sock"), pidFile: join(directory, "oidc-agent.pid") };
}

/**
 * The agent that is there, or a new one: in a second terminal it is the first one's.
 *
 * @param more options of `oidc-agent` for a new one, after those of the options files
 */
export async function start(
  host: Host,
  more: readonly string[] = [],
): Promise<RunningAgent & { readonly pidFile: string }> {
  const { socket, pidFile } = places(host);
  const options = agentOptions(host, argumentsOf(host, OIDC_AGENT, [...optionsOfService(host), ...more]));
  const running = await startAgent(host, { socket, pidFile, options, link: false });
  if (running.pid > 0) return { ...running, pidFile: existsSync(pidFile) ? pidFile : pidPath(socket) };
  // the socket is a link to that of an agent which was started in another way
  const real = realpathSync(socket);
  const pid = Number(readText(pidPath(real)));
  if (!(pid > 1)) throw failure("an agent runs that does not say its process id", "End it, and start again");
  return { ...running, socket: real, pid, pidFile: pidPath(real) };
}

/** Ends it. Returns its process id, or nothing where there was none. */
export async function stop(host: Host): Promise<number | undefined> {
  const { socket } = places(host);
  return await stopAgent(host, existsSync(socket) ? realpathSync(socket) : socket);
}

function exportLines({ socket, pid, pidFile }: RunningAgent & { readonly pidFile: string }): string {
  return `OIDC_SOCK=${shellWord(socket)}; export OIDC_SOCK;\n` +
    `OIDCD_PID=${pid}; export OIDCD_PID;\n` +
    `OIDCD_PID_FILE=${shellWord(pidFile)}; export OIDCD_PID_FILE;\n` +
    `/bin/cat ${shellWord(pidFile)}\n`;
}

/** `OIDC_AGENT_OPTS` of the options files, this person's before the machine's. They are not run as a shell would. */
function optionsOfService(host: Host): string[] {
  const files = [oidcDirectory(host), systemOidcDirectory(host)].map((folder) =>
    readText(join(folder, "oidc-agent-service.options"))
  );
  for (const text of files) {
    const match = /^\s*(?:export\s+)?OIDC_AGENT_OPTS=(?:"([^"\n]*)"|'([^'\n]*)'|(\S*))\s*$/m.exec(text);
    if (match) return (match[1] ?? match[2] ?? match[3]).split(/\s+/).filter(Boolean);
  }
  return [];
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
