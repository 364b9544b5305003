/**
 * Runs the command line on this machine.
 *
 * @module
 */

import process from "node:process";
import type { AgentReply } from "../agent/requests.ts";
import { oidcToolNamed } from "../agent/tools.ts";
import { workstation } from "../host/host.ts";
import { main } from "./main.ts";

/**
 * Runs the arguments of this process and ends it with their exit code. A link named `oidc-token` is that tool.
 *
 * @param heard what the agent has answered an `oidc-token` already
 */
export async function start(heard?: AgentReply): Promise<void> {
  const tool = oidcToolNamed(process.argv0);
  const code = await main(workstation(), [...(tool ? [tool] : []), ...process.argv.slice(2)], heard);
  // sockets that are kept alive must not hold the process; everything has been written by now
  process.exit(code);
}
