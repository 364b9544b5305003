/**
 * The table of `apex-token agent`.
 *
 * @module
 */

import { Argument, type Command, InvalidArgumentError, Option } from "commander";
import type { Host } from "../host/host.ts";
import { command, type Example, examples } from "./_command.ts";
import type { AgentStartCommand } from "./commands/agent.ts";

/** The command with its subcommands. */
export function agentCommand(host: Host): Command {
  const load = () => import("./commands/agent.ts");
  const agent = command(
    "agent",
    "an agent for clients of oidc-agent: oidc-token, liboidcagent, forwarded sockets",
  );
  examples(agent, [
    [
      'eval "$(apex-token agent start)"',
      "one agent for this person; again in every shell that needs OIDC_SOCK",
    ],
    ["apex-token agent links ~/.local/bin", "oidc-token, oidc-add, oidc-gen, … as this program"],
    ["apex-token agent install", "start it with the session"],
  ]);
  agent.addCommand(startOf(host, load));
  agent.addCommand(
    command("stop", "end it").addOption(socketOption())
      .action(async (options) => await (await load()).stopCommand(host, options)),
  );
  agent.addCommand(
    command("status", "what it says about itself").addOption(socketOption())
      .addOption(
        new Option("-o, --output <form>", "how it is printed").choices(["text", "json"]).default("text"),
      )
      .action(async (options) => await (await load()).statusCommand(host, options)),
  );
  agent.addCommand(
    command("links", "link the names of oidc-agent's programs to this one")
      .addArgument(new Argument("<directory>", "where; on your PATH"))
      .action(async (directory: string) => (await load()).linksCommand(host, directory)),
  );
  agent.addCommand(
    command("install", "write the service that starts it with your session (systemd, launchd)")
      .action(async () => (await load()).installCommand(host)),
  );
  agent.addCommand(
    command("run", "run it in the foreground")
      .addArgument(new Argument("[options]", "what `start` was told, as JSON"))
      .action(async (told?: string) => await (await load()).runCommand(host, told)),
    { hidden: true },
  );
  for (const one of agent.commands) examples(one, EXAMPLES[one.name()] ?? []);
  return agent;
}

const EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  start: [
    ['eval "$(apex-token agent start)"', "start it, or find the one that runs"],
    [
      'eval "$(apex-token agent start --lifetime 3600 --confirm)"',
      "an hour for each account, and ask me first",
    ],
  ],
  stop: [["apex-token agent stop", "what it has loaded is gone; what is stored stays"]],
  status: [["apex-token agent status -o json", "where its socket is, and what is loaded"]],
  links: [["apex-token agent links ~/.local/bin", "oidc-token, oidc-add, oidc-gen, … as this program"]],
  install: [["apex-token agent install", "from the next session on it is there"]],
  run: [["apex-token agent run", "in the foreground, for a service manager"]],
};

function startOf(host: Host, load: () => Promise<typeof import("./commands/agent.ts")>): Command {
  return command("start", "start it, unless it runs, and print the lines for your shell")
    .addOption(socketOption())
    .option("--lifetime <seconds>", "how long accounts stay loaded; 0: for as long as it runs", seconds)
    .option("--no-autoload", "a request does not load an account")
    .option("--no-reauthenticate", "a dead refresh token begins no sign-in")
    .option("--confirm", "confirm each request on the terminal of whoever asks")
    .option("--id-token", "give ID tokens without a confirmation")
    .option("--group <name>", "let this group use it")
    .action(async (options: AgentStartCommand) => await (await load()).startCommand(host, options));
}

function socketOption(): Option {
  return new Option("--socket <path>", "the socket; default: the one of this person's agent");
}

function seconds(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a number of seconds.");
}
