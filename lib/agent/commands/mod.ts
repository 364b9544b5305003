/**
 * The command lines of oidc-agent: `oidc-agent`, `oidc-agent-service`, `oidc-gen`, `oidc-add`, `oidc-token`,
 * `oidc-keychain`.
 *
 * @module
 */

import type { Host } from "../../host/host.ts";
import type { AgentReply } from "../requests.ts";
import type { OidcTool } from "../tools.ts";
import { exitCodeOf, failure } from "./_tool.ts";

type Run = (host: Host, args: readonly string[], heard?: AgentReply) => Promise<void>;

const TOOLS: Record<OidcTool, Run> = {
  "oidc-agent": async (host, args) => await (await import("./oidc_agent.ts")).oidcAgent(host, args),
  "oidc-agent-service": async (host, args) =>
    await (await import("./oidc_agent_service.ts")).oidcAgentService(host, args),
  "oidc-token": async (host, args, heard) =>
    await (await import("./oidc_token.ts")).oidcToken(host, args, heard),
  "oidc-gen": async (host, args) => await (await import("./oidc_gen.ts")).oidcGen(host, args),
  "oidc-add": async (host, args) => await (await import("./oidc_add.ts")).oidcAdd(host, args),
  "oidc-keychain": async (host, args) => await (await import("./oidc_keychain.ts")).oidcKeychain(host, args),
  "oidc-tokensh": () =>
    missing(
      "oidc-tokensh",
      "Give a program its token in its environment: BEARER_TOKEN=$(oidc-token NAME) PROGRAM; or in a file that it reads:\n" +
        "\t$ (umask 077; oidc-token NAME > ${XDG_RUNTIME_DIR:-/tmp}/bt_u$(id -u))",
    ),
  "oidc-prompt": () =>
    missing("oidc-prompt", "Questions are asked in the terminal of whoever asks: nothing is needed"),
};

function missing(tool: OidcTool, instead: string): Promise<never> {
  return Promise.reject(failure(`${tool} is not a part of this program`, instead));
}

/**
 * Runs a tool.
 *
 * @param args its arguments, without its name
 * @param heard what the agent has answered an `oidc-token` already
 * @returns its exit code: 0, 1, or 64 for a command line that makes no sense
 */
export async function runOidcTool(
  name: OidcTool,
  args: readonly string[],
  host: Host,
  heard?: AgentReply,
): Promise<number> {
  return await exitCodeOf(host, () => TOOLS[name](host, args, heard));
}
