/**
 * `oidc-token`: a valid access token on standard output.
 *
 * @module
 */

import type { Host } from "../../host/host.ts";
import type { AgentReply, AgentRequest } from "../requests.ts";
import { settings } from "../settings.ts";
import { argumentsOf, askOr, failure, has, misuse, succeededReply, ToolExit, valueOf } from "./_tool.ts";
import { printable, printed, subjectOf, tokenRequest, withDetachedVariable } from "./_token_words.ts";
import type { Arguments } from "./argp.ts";
import { tryHelp } from "./argp_help.ts";
import { OIDC_TOKEN } from "./oidc_token_options.ts";

const NO_ANSWER = "did not receive any response";

/**
 * Runs `oidc-token`.
 *
 * @param heard what the agent has answered already
 */
export async function oidcToken(host: Host, args: readonly string[], heard?: AgentReply): Promise<void> {
  const given = withDetachedVariable(argumentsOf(host, OIDC_TOKEN, args));
  if (given.words.length !== 1) throw misuse(OIDC_TOKEN);
  if (has(given, "mytoken")) return await mytoken(host, given, subjectOf(given));
  if (has(given, "id-token")) {
    const { id_token } = await askOr(NO_ANSWER, { request: "id_token", ...subjectOf(given) });
    return host.answer(`${textOf(id_token)}\n`);
  }
  const reply = heard
    ? succeededReply(heard)
    : await askOr(NO_ANSWER, tokenRequest(given, seconds(host, given)));
  host.answer(printed(given, reply) ?? unusable());
}

function seconds(host: Host, given: Arguments): number {
  const time = valueOf(given, "time");
  if (time === undefined) {
    const standard = Number(settings(host)["oidc-token"]?.["default-min-lifetime"]);
    return Number.isFinite(standard) ? standard : 0;
  }
  if (/^\d/.test(time)) return parseInt(time, 10);
  throw new ToolExit(64, `oidc-token: ${time} is not a number of seconds`, tryHelp(OIDC_TOKEN));
}

async function mytoken(host: Host, given: Arguments, subject: Omit<AgentRequest, "request">): Promise<void> {
  const profile = valueOf(given, "mytoken");
  const request = { request: "mytoken", ...subject, ...(profile ? { mytoken_profile: profile } : {}) };
  const { mytoken } = await askOr(NO_ANSWER, request);
  host.answer(`${textOf(mytoken)}\n`);
}

function textOf(value: unknown): string {
  return printable(value) ?? unusable();
}

function unusable(): never {
  throw failure(
    "the agent's answer cannot be used: a value is missing or has characters that it must not have",
  );
}
