/**
 * `oidc-keychain`: one agent for all logins, with accounts loaded into it.
 *
 * What it prints is for `eval`; what people read goes to standard error, also what `oidc-add` says.
 *
 * @module
 */

import process from "node:process";
import type { Host } from "../../host/host.ts";
import { FILE_VERSION } from "../file_version.ts";
import { shellWord } from "../shell_word.ts";
import { exitCodeOf, ToolExit } from "./_tool.ts";
import { oidcAdd } from "./oidc_add.ts";
import { start, stop } from "./oidc_agent_service.ts";

const USAGE = [
  "Usage: oidc-keychain [-?|--help|--usage|-V|--version] [-k|--kill]",
  "   or: oidc-keychain [oidc-agent options] [--accounts ACCOUNT ...]",
];

const HELP = [
  ...USAGE,
  "oidc-keychain -- one agent for all logins",
  "",
  "The options of oidc-agent are for an agent that has to be started.",
  "",
  "  -k, --kill                 end the agent",
  "      --accounts ACCOUNT ... load these accounts where they are not loaded",
];

/** Runs `oidc-keychain`. */
export async function oidcKeychain(host: Host, args: readonly string[]): Promise<void> {
  const end = args.indexOf("--accounts");
  const [options, accounts] = end === -1 ? [args, []] : [args.slice(0, end), args.slice(end + 1)];
  if (options.some((option) => ["-?", "-h", "--help"].includes(option))) return host.say(HELP.join("\n"));
  if (options.includes("--usage")) return host.say(USAGE.join("\n"));
  if (options.some((option) => ["-V", "--version"].includes(option))) {
    return host.answer(`oidc-keychain ${FILE_VERSION}\n`);
  }
  if (options.some((option) => ["-k", "--kill"].includes(option))) return await kill(host);
  const { socket, pid, wasRunning } = await start(host, options);
  host.answer(
    `OIDC_SOCK=${shellWord(socket)}; export OIDC_SOCK;\nOIDCD_PID=${pid}; export OIDCD_PID;\n` +
      `echo oidc-keychain: ${wasRunning ? "Reusing agent" : "Agent"} pid ${pid};\n`,
  );
  for (const account of accounts) await load(host, socket, account);
}

async function kill(host: Host): Promise<void> {
  const pid = await stop(host);
  // this, too, is read by eval
  if (pid === undefined) return failed(host, "oidc-keychain: Agent was already not running");
  host.answer(`unset OIDC_SOCK;\nunset OIDCD_PID;\necho Agent pid ${pid} killed;\n`);
}

/** As `oidc-add` does it, whose words on standard output are nothing for `eval`. */
async function load(host: Host, socket: string, account: string): Promise<void> {
  // the tools find the agent by that variable
  process.env.OIDC_SOCK = socket;
  const quiet: Host = Object.create(host, { answer: { value: (text: string) => host.say(text.trimEnd()) } });
  if (await exitCodeOf(quiet, () => oidcAdd(quiet, [account])) !== 0) failed(host);
}

function failed(host: Host, ...lines: string[]): never {
  host.answer("false;\n");
  throw new ToolExit(1, ...lines);
}
