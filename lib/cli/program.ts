/**
 * The command table: names, options and help of every command.
 *
 * @module
 */

import { Argument, Command, InvalidArgumentError, Option } from "commander";
import type { Host } from "../host/host.ts";
import type { Flow } from "../providers.ts";
import { authenticationMethods } from "../profile/profile.ts";
import { version } from "../version.ts";
import { agentCommand } from "./agent_command.ts";
import { usageWords } from "./usage.ts";
import {
  command,
  examples,
  outputOption,
  passphraseOption,
  reachOptions,
  withPassphrase,
} from "./_command.ts";
import type { ImportCommand } from "./commands/import.ts";
import type { GetCommand } from "./commands/get.ts";
import type { LoginCommand } from "./commands/login.ts";
import type { ProtectCommand } from "./commands/protect.ts";
import { PROTECTIONS } from "./protection.ts";
import { serverCommands } from "./server_commands.ts";
import type { Shell } from "./shells/mod.ts";

const FLOWS: readonly Flow[] = ["device", "browser", "client-credentials", "password"];

/** The program; a command's module is loaded when the command runs. */
export function program(host: Host): Command {
  const root = new Command("apex-token")
    .description("A valid OpenID Connect token for whatever asks, in the form it asks for.")
    .version(version, "--version", "print the version")
    .helpOption("-h, --help", "show this help")
    .helpCommand("help [command]", "show the help of a command")
    .configureOutput({
      writeOut: (text) => host.answer(text),
      // a whole help that nobody asked for: main says what is missing
      writeErr: () => {},
      outputError: (text) => host.say(usageWords(text)),
    })
    .showSuggestionAfterError(true)
    .exitOverride();
  examples(root, [
    [
      "apex-token login apex --client-id project-a-catalogue-dev-api",
      "sign in to ESA APEx, once per machine",
    ],
    ["apex-token get apex", "print a valid token, renewed by itself"],
    ["apex-token get apex -o header | curl -H @- https://…", "use it, unseen by the list of processes"],
  ]);
  const commands = [
    getCommand(host),
    loginCommand(host),
    listCommand(host),
    withPassphrase(host, showCommand(host)),
    statusCommand(host),
    protectCommand(host),
    withPassphrase(host, removeCommand(host)),
    importCommand(host),
    ...serverCommands(host),
    agentCommand(host),
    completionCommand(host),
  ];
  for (const command of commands) root.addCommand(asItsParent(command, root));
  return root;
}

/** Without that a command below another one would answer a mistake in the parser's words, and end with 1. */
function asItsParent(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  for (const below of command.commands) asItsParent(below, command);
  return command;
}

function getCommand(host: Host): Command {
  const get = command("get", "print a valid token on standard output")
    .addArgument(
      new Argument(
        "[name]",
        "the profile; default: APEX_TOKEN_PROFILE, APEX_CLIENT_ID, or the default profile",
      ),
    )
    .option("-s, --scope <scope>", "narrow the token to these scopes, separated by blanks", scopes)
    .option("--aud, --audience <audience>", "the API that the token is for", once)
    .option("--min-validity <seconds>", "for how long it must still be valid", wholeNumber)
    .option("--force", "renew it even though a good one is at hand")
    .option("--id-token", "print the ID token instead of the access token")
    .addOption(outputOption());
  passphraseOption(get);
  reachOptions(get);
  examples(get, [
    ["apex-token get", "the token of the default profile"],
    ["apex-token get wlcg -s storage.read:/ --aud https://dcache.example.org", "a narrowed one"],
    ['eval "$(apex-token get apex -o env)"', "in the variable ACCESS_TOKEN"],
    ["APEX_CLIENT_ID=… APEX_CLIENT_SECRET=… apex-token get", "for a service, without any file"],
  ]);
  return get.action(
    async (name: string | undefined, { audience, ...options }: GetCommand & { audience?: string }) => {
      const { get } = await import("./commands/get.ts");
      await get(host, name, { ...options, aud: audience });
    },
  );
}

function loginCommand(host: Host): Command {
  const login = command("login", "make a profile and sign in")
    .addArgument(new Argument("[name]", "the name of the profile; one that is there is signed in again"))
    .option("--issuer <url>", "the issuer's URL, or apex, cdse, egi, wlcg, iam-test, escape, infn-cloud")
    .option("--client-id <id>", "the client id", once)
    .option("-s, --scope <scope>", "what to ask for, separated by blanks", scopes)
    .addOption(flowOption())
    .option(
      "--secret-file <file>",
      "a file with the client secret, read again at each use; - for standard input",
    )
    .addOption(
      new Option("--auth-method <method>", "how the client proves who it is; default: by what is given")
        .choices(authenticationMethods),
    )
    .option("--private-key-file <file>", "the client's private key (PEM or JWK), read again at each use")
    .option("--key-id <kid>", "the name of that key at the server")
    .option(
      "--assertion-file <file>",
      "a JWT that somebody else signs for the client (Kubernetes, CI), read again at each use",
    )
    .option(
      "--register",
      "let the server make a client when no client id is given, or when the secret of the last one has ended",
    )
    .option("--dpop", "bind the tokens to a key of this profile (RFC 9449): for programs that can prove it")
    .option("--par", "push the parameters of a browser sign-in to the server first (RFC 9126)")
    .option("--redirect-uri <uri>", "where the browser comes back to; default: a free port of 127.0.0.1")
    .option("--no-open", "show the page and do not open it")
    // before its negation, or it would be taken as said
    .addOption(new Option("--offline", "ask for a sign-in that outlives the browser session").hideHelp())
    .option("--no-offline", "do not ask for a sign-in that outlives the browser session")
    .option(
      "--protect <how>",
      `what protects the sign-in: ${PROTECTIONS}; default: keyring where one answers`,
    )
    .addOption(
      new Option(
        "--fast-cache",
        "keep access tokens bare in $XDG_RUNTIME_DIR too: quicker, and readable as you",
      ),
    )
    .addOption(new Option("--no-fast-cache", "do not, from now on").hideHelp())
    .option("--username <name>", "the account of the password grant (deprecated)")
    .option("--password-file <file>", "a file with its password; - for standard input; default: a prompt");
  passphraseOption(login);
  reachOptions(login);
  examples(login, [
    ["apex-token login apex --client-id project-a-catalogue-dev-api", "ESA APEx"],
    ["apex-token login wlcg --issuer wlcg --client-id ID -s 'openid storage.read:/'", "an INDIGO IAM"],
    [
      "apex-token login svc --issuer URL --client-id ID --secret-file secret.txt",
      "a service, by client credentials",
    ],
  ]);
  return login.action(async (name: string | undefined, options: LoginCommand) => {
    const { login } = await import("./commands/login.ts");
    await login(host, name, options);
  });
}

function listCommand(host: Host): Command {
  const list = command("list", "list the profiles; * marks the default").option("--json", "as JSON");
  examples(list, [["apex-token list", "name, issuer and client of each profile"]]);
  return list.action(async (options: { json?: boolean }) => {
    const { list } = await import("./commands/list.ts");
    list(host, options);
  });
}

function showCommand(host: Host): Command {
  const show = command("show", "show a profile: who, scopes, expiry; never a secret")
    .argument("<name>", "the profile")
    .option("--json", "as JSON");
  examples(show, [["apex-token show apex", "who is signed in, and for how long"]]);
  return show.action(async (name: string, options: { json?: boolean }) => {
    const { show } = await import("./commands/show.ts");
    await show(host, name, options);
  });
}

function statusCommand(host: Host): Command {
  const status = command("status", "show how every sign-in stands: who, until when, what protects it")
    .argument("[name]", "one profile; default: all")
    .option("--json", "as JSON");
  examples(status, [
    ["apex-token status", "all profiles; a key that is locked stays locked"],
    ["apex-token status apex --json", "one of them, for a program"],
  ]);
  return status.action(async (name: string | undefined, options: { json?: boolean }) => {
    const { status } = await import("./commands/status.ts");
    await status(host, name, options);
  });
}

function protectCommand(host: Host): Command {
  const protect = command("protect", "change what protects a sign-in, without a new one")
    .argument("<name>", "the profile")
    .requiredOption("--protect <how>", "keyring, key-file, key-file=PATH, passphrase or systemd-creds")
    .option("--new-passphrase-file <file>", "the new passphrase, where the one that is there is another");
  passphraseOption(protect);
  examples(protect, [
    ["apex-token protect apex --protect keyring", "from now on the desktop's keyring opens it"],
    ["apex-token protect apex --protect passphrase", "or you do; also to change the passphrase"],
  ]);
  return protect.action(async (name: string, options: ProtectCommand) => {
    const { protect } = await import("./commands/protect.ts");
    await protect(host, name, options);
  });
}

function removeCommand(host: Host): Command {
  const remove = command("remove", "forget a profile and its sign-in on this machine").argument(
    "<name>",
    "the profile",
  );
  examples(remove, [["apex-token remove apex", "its tokens are gone from this machine"]]);
  return remove.action(async (name: string) => {
    const { remove } = await import("./commands/remove.ts");
    await remove(host, name);
  });
}

function completionCommand(host: Host): Command {
  const completion = command("completion", "print what makes a shell complete commands, options and profiles")
    .addArgument(new Argument("<shell>", "the shell").choices(["bash", "zsh", "fish", "powershell"]));
  examples(completion, [
    ["source <(apex-token completion bash)", "in ~/.bashrc; with zsh in ~/.zshrc, after compinit"],
    ["apex-token completion fish > ~/.config/fish/completions/apex-token.fish", "for fish"],
    ["apex-token completion powershell | Out-String | Invoke-Expression", "in the profile of PowerShell"],
  ]);
  return completion.action(async (shell: Shell) => {
    const { completion } = await import("./commands/completion.ts");
    completion(host, shell);
  });
}

function importCommand(host: Host): Command {
  const imports = command("import", "make profiles of what another program keeps")
    .addArgument(new Argument("<program>", "whose").choices(["oidc-agent"]))
    .argument("[name]", "the account; default: list them")
    .option("--take", "take its sign-in over; the account is renamed to NAME.moved")
    .option("--protect <how>", `what protects the sign-in: ${PROTECTIONS}`);
  withPassphrase(host, imports);
  examples(imports, [
    ["apex-token import oidc-agent", "the accounts that there are"],
    ["apex-token import oidc-agent wlcg", "a profile with a sign-in of its own; the account stays"],
    ["apex-token import oidc-agent wlcg --take", "without a new sign-in; the account goes"],
  ]);
  return imports.action(async (_program: string, name: string | undefined, options: ImportCommand) => {
    const { importAccount } = await import("./commands/import.ts");
    await importAccount(host, name, options);
  });
}

/** Several options are as good as one with several scopes. */
function scopes(text: string, before?: string): string {
  if (text.trim() === "") throw new InvalidArgumentError("A scope is needed.");
  return before === undefined ? text : `${before} ${text}`;
}

function once(text: string, before?: string): string {
  if (text.trim() === "") throw new InvalidArgumentError("It must not be empty.");
  if (before === undefined) return text;
  throw new InvalidArgumentError("It can be given only once.");
}

function flowOption(): Option {
  const option = new Option("--flow <flow>", "how to sign in; default: what fits here").choices(FLOWS);
  const choose = option.parseArg!;
  return option.argParser((text, before: string) => {
    if (text === "implicit" || text === "hybrid") {
      throw new InvalidArgumentError(
        `The ${text} flow puts tokens into the browser's address, where others can read them (RFC 9700 section ` +
          "2.1.2): use browser or device.",
      );
    }
    return choose(text, before);
  });
}

function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("A whole number of seconds is needed.");
}
