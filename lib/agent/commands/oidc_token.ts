/**
 * `oidc-token`: a valid access token on standard output.
 *
 * @module
 */

import type { Host } from "../../host/host.ts";
import type { AgentReply, AgentRequest } from "../requests.ts";
import { settings } from "../settings.ts";
import { shellWord } from "../shell_word.ts";
import { argumentsOf, askOr, failure, has, misuse, ToolExit, valueOf, valuesOf } from "./_tool.ts";
import type { Arguments } from "./argp.ts";
import { tryHelp } from "./argp_help.ts";
import { OIDC_TOKEN } from "./oidc_token_options.ts";

/** What can be printed, in the order in which it is. */
const PARTS = [
  { key: "token", variable: "OIDC_AT", member: "access_token" },
  { key: "issuer", variable: "OIDC_ISS", member: "issuer" },
  { key: "expires-at", variable: "OIDC_EXP", member: "expires_at" },
] as const;

/** Runs `oidc-token`. */
export async function oidcToken(host: Host, args: readonly string[]): Promise<void> {
  const given = withDetachedVariable(argumentsOf(host, OIDC_TOKEN, args));
  if (given.words.length !== 1) throw misuse(OIDC_TOKEN);
  const [account] = given.words;
  const subject = account.startsWith("https://") ? { issuer: account } : { account };
  const name = valueOf(given, "name") ?? "oidc-token";
  const hint = { application_hint: name };
  if (has(given, "mytoken")) return await mytoken(host, given, { ...subject, ...hint });
  const told = "did not receive any response";
  if (has(given, "id-token")) {
    const { id_token } = await askOr(told, { request: "id_token", ...subject, ...hint });
    return host.answer(`${textOf(id_token)}\n`);
  }
  const scope = valuesOf(given, "scope").join(" ");
  const audience = valueOf(given, "aud");
  const reply = await askOr(told, {
    request: "access_token",
    ...subject,
    min_valid_period: has(given, "force-new") ? -1 : seconds(host, given),
    ...hint,
    ...(scope ? { scope } : {}),
    ...(audience ? { audience } : {}),
  });
  host.answer(printed(given, reply));
}

/** `oidc-token NAME -e VARIABLE`, as the manual of the original has it: where one word is too many. */
function withDetachedVariable(given: Arguments): Arguments {
  if (given.words.length !== 2) return given;
  const word = given.before.findLastIndex((option) => option !== undefined);
  if (word === -1) return given;
  const options = given.options.map((option, index) =>
    index === given.before[word] ? { ...option, value: given.words[word] } : option
  );
  return { ...given, options, words: given.words.filter((_, index) => index !== word) };
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

function printed(given: Arguments, reply: AgentReply): string {
  const values = PARTS.map((part) => ({ ...part, value: textOf(reply[part.member]) }));
  const [{ value: token }] = values;
  if (has(given, "all")) return values.map(({ value }) => `${value}\n`).join("");
  const wanted = values.filter(({ key }) => has(given, key) || has(given, "env"));
  const alone = wanted.length === 1 && valueOf(given, wanted[0].key) === undefined;
  if (alone) return `${wanted[0].value}\n`;
  if (wanted.length > 0) {
    return wanted.map(({ key, variable, value }) => {
      const name = valueOf(given, key) ?? variable;
      return `${name}=${shellWord(value)}; export ${name};\n`;
    }).join("");
  }
  if (has(given, "bearer")) return `Bearer ${token}\n`;
  if (has(given, "auth-header")) return `Authorization: Bearer ${token}`;
  return `${token}\n`;
}

/** What comes from a server is printed where a terminal or a shell reads it. */
function textOf(value: unknown): string {
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text === "string" && /^[ -~]*$/.test(text)) return text;
  throw failure(
    "the agent's answer cannot be used: a value is missing or has characters that it must not have",
  );
}

async function mytoken(host: Host, given: Arguments, subject: Omit<AgentRequest, "request">): Promise<void> {
  const profile = valueOf(given, "mytoken");
  const request = { request: "mytoken", ...subject, ...(profile ? { mytoken_profile: profile } : {}) };
  const { mytoken } = await askOr("did not receive any response", request);
  host.answer(`${textOf(mytoken)}\n`);
}
