/**
 * The command line: arguments in, exit code out.
 *
 * @module
 */

import { type Command, CommanderError } from "commander";
import { agentKeyHolder } from "../agent/key_holder.ts";
import type { AgentReply } from "../agent/requests.ts";
import { oidcToolNamed } from "../agent/tools.ts";
import type { Host } from "../host/host.ts";
import { useKeyHolder } from "../profile/known_keys.ts";
import { program } from "./program.ts";
import { EXIT_CODES, report } from "./report.ts";
import { missingWords } from "./usage.ts";

/**
 * Runs one command.
 *
 * @param host what the surroundings give
 * @param args the arguments, without the program's name
 * @param heard what the agent has answered an `oidc-token` already
 * @returns the exit code
 */
export async function main(host: Host, args: readonly string[], heard?: AgentReply): Promise<number> {
  if (args.length === 0) args = ["--help"];
  const holder = agentKeyHolder(host);
  useKeyHolder(host, holder);
  const tool = oidcToolNamed(args[0]);
  if (tool !== undefined && tool === args[0]) {
    const { runOidcTool } = await import("../agent/commands/mod.ts");
    return await runOidcTool(tool, args.slice(1), host, heard).catch((error) => report(host, error));
  }
  const code = await carryOut(host, args);
  // whoever stopped the command wants nothing more of it
  if (code !== EXIT_CODES.aborted) await holder.settle();
  return code;
}

async function carryOut(host: Host, args: readonly string[]): Promise<number> {
  const root = program(host);
  try {
    if (args[0] === "__complete") {
      const { answerShell } = await import("./commands/completion.ts");
      answerShell(host, root, args.slice(1));
      return 0;
    }
    await root.parseAsync([...args], { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      if (error.code === "commander.help") {
        // help for a command that there is not: the parser guesses what was meant only where that is called
        const called = args.filter((word) => word !== "help");
        if (called.length < args.length) return await carryOut(host, called);
        host.say(missingWords(args[0]));
      }
      return usageError(host, namesOf(root, args));
    }
    return report(host, error);
  }
}

/** The names of the command, and of those above it, that the first words call. */
function namesOf(root: Command, args: readonly string[]): string[] {
  const [name, ...rest] = args;
  const called = root.commands.find((command) => command.name() === name);
  return called === undefined ? [] : [name, ...namesOf(called, rest)];
}

function usageError(host: Host, names: readonly string[]): number {
  host.say(`See: ${["apex-token", ...names, "--help"].join(" ")}`);
  return EXIT_CODES.invalid_argument;
}
