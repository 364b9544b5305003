/**
 * The commands that ask the server about a token, or change it there.
 *
 * @module
 */

import type { Command } from "commander";
import type { Host } from "../host/host.ts";
import { command, examples, outputOption, reachOptions, withPassphrase } from "./_command.ts";
import type { ExchangeCommand } from "./commands/exchange.ts";
import type { InspectCommand } from "./commands/inspect.ts";
import type { IntrospectCommand } from "./commands/introspect.ts";
import type { LogoutCommand } from "./commands/logout.ts";
import type { RevokeCommand } from "./commands/revoke.ts";

const PROFILE = ["[name]", "the profile; default: APEX_TOKEN_PROFILE, or the default profile"] as const;

/** The commands, in the order of the help. */
export function serverCommands(host: Host): Command[] {
  const commands = [inspect, userinfo, introspect, exchange, revoke, logout];
  return commands.map((make) => withPassphrase(host, make(host)));
}

function inspect(host: Host): Command {
  const inspect = command("inspect", "show what is in a token, in words, and check who signed it")
    .argument("[name]", "the profile, or - for a token on standard input")
    .option("--token-file <file>", "the token in this file; - for standard input")
    .option("--id-token", "the profile's ID token instead of its access token")
    .option("--json", "as JSON");
  reachOptions(inspect);
  examples(inspect, [
    ["apex-token inspect apex", "roles, audience and times of the token that you have"],
    ["pbpaste | apex-token inspect -", "any JWT; it never leaves this machine"],
  ]);
  return inspect.action(async (name: string | undefined, options: InspectCommand) => {
    const { inspect } = await import("./commands/inspect.ts");
    await inspect(host, name, options);
  });
}

function userinfo(host: Host): Command {
  const userinfo = command("userinfo", "print what the server says about you, as JSON").argument(...PROFILE);
  examples(userinfo, [["apex-token userinfo apex", "name, groups and whatever else the server tells"]]);
  return userinfo.action(async (name: string | undefined) => {
    const { userinfo } = await import("./commands/userinfo.ts");
    await userinfo(host, name);
  });
}

function introspect(host: Host): Command {
  const introspect = command("introspect", "print what the server says about a token, as JSON")
    .argument(...PROFILE)
    .option("--token-file <file>", "this token instead of the profile's; - for standard input")
    .option("--signed", "ask for a signed answer and verify it (RFC 9701)");
  examples(introspect, [["apex-token introspect apex", "is it active, and what is it good for"]]);
  return introspect.action(async (name: string | undefined, options: IntrospectCommand) => {
    const { introspect } = await import("./commands/introspect.ts");
    await introspect(host, name, options);
  });
}

function exchange(host: Host): Command {
  const types = "access-token, refresh-token, id-token, jwt, saml1, saml2 or a URI";
  const exchange = command("exchange", "exchange a token for another one (RFC 8693) and print that")
    .argument(...PROFILE)
    .option("-s, --scope <scope>", "what the new token may do, separated by blanks")
    .option("--aud, --audience <audience>", "whom the new token is for, by name")
    .option("--resource <uri>", "whom the new token is for, by URI (RFC 8707)")
    .option("--subject-token-file <file>", "exchange this token, not the profile's; - for standard input")
    .option("--subject-token-type <type>", `its type: ${types}`, "access-token")
    .option("--actor-token-file <file>", "the token of the one who acts")
    .option("--actor-token-type <type>", "its type", "access-token")
    .option("--requested-token-type <type>", "the type of token that is wanted; default: the server decides")
    .addOption(outputOption());
  examples(exchange, [[
    "apex-token exchange apex --aud other-service",
    "a token that the other service takes",
  ]]);
  return exchange.action(async (name: string | undefined, options: ExchangeCommand) => {
    const { exchange } = await import("./commands/exchange.ts");
    await exchange(host, name, options);
  });
}

function revoke(host: Host): Command {
  const revoke = command("revoke", "tell the server that an access token is no longer needed (RFC 7009)")
    .argument(...PROFILE)
    .option("--token-file <file>", "this token instead of the profile's; - for standard input");
  examples(revoke, [["apex-token revoke apex", "the sign-in stays; the next get brings a new token"]]);
  return revoke.action(async (name: string | undefined, options: RevokeCommand) => {
    const { revoke } = await import("./commands/revoke.ts");
    await revoke(host, name, options);
  });
}

function logout(host: Host): Command {
  const logout = command("logout", "end a sign-in; the profile stays for the next login")
    .argument(...PROFILE)
    .option("--revoke", "end it at the server too");
  examples(logout, [["apex-token logout apex --revoke", "nothing of it is good any more, here or there"]]);
  return logout.action(async (name: string | undefined, options: LogoutCommand) => {
    const { logout } = await import("./commands/logout.ts");
    await logout(host, name, options);
  });
}
