/**
 * What `oidc-token` reads, asks and prints. Pure, and without a module of the system: the quick way needs it, too.
 *
 * @module
 */

import type { AgentReply, AgentRequest } from "../requests.ts";
import { shellWord } from "../shell_word.ts";
import { type ArgumentFault, type Arguments, has, readArguments, valueOf, valuesOf } from "./argp.ts";
import { OIDC_TOKEN } from "./oidc_token_options.ts";

/** What can be printed, in the order in which it is. */
const PARTS = [
  { key: "token", variable: "OIDC_AT", member: "access_token" },
  { key: "issuer", variable: "OIDC_ISS", member: "issuer" },
  { key: "expires-at", variable: "OIDC_EXP", member: "expires_at" },
] as const;

/** Reads a command line. */
export function readTokenWords(args: readonly string[]): Arguments | ArgumentFault {
  const read = readArguments(OIDC_TOKEN, args);
  return "fault" in read ? read : withDetachedVariable(read);
}

/** `oidc-token NAME -e VARIABLE`, as the manual of the original has it: where one word is too many. */
export function withDetachedVariable(given: Arguments): Arguments {
  if (given.words.length !== 2) return given;
  const word = given.before.findLastIndex((option) => option !== undefined);
  if (word === -1) return given;
  const options = given.options.map((option, index) =>
    index === given.before[word] ? { ...option, value: given.words[word] } : option
  );
  return { ...given, options, words: given.words.filter((_, index) => index !== word) };
}

/** The account, or the issuer, and who asks. */
export function subjectOf(given: Arguments): Omit<AgentRequest, "request"> {
  const [account] = given.words;
  const subject = account.startsWith("https://") ? { issuer: account } : { account };
  return { ...subject, application_hint: valueOf(given, "name") ?? "oidc-token" };
}

/**
 * The request for an access token.
 *
 * @param minValidity for how long it must be valid, in seconds
 */
export function tokenRequest(given: Arguments, minValidity: number): AgentRequest {
  const { application_hint, ...subject } = subjectOf(given);
  const scope = valuesOf(given, "scope").join(" ");
  const audience = valueOf(given, "aud");
  return {
    request: "access_token",
    ...subject,
    min_valid_period: has(given, "force-new") ? -1 : minValidity,
    application_hint,
    ...(scope ? { scope } : {}),
    ...(audience ? { audience } : {}),
  };
}

/** What is printed of a reply; nothing when a value that is wanted is missing, or cannot be printed. */
export function printed(given: Arguments, reply: AgentReply): string | undefined {
  const values = PARTS.map((part) => ({ ...part, value: printable(reply[part.member]) }));
  const [{ value: token }] = values;
  if (values.some(({ value }) => value === undefined)) return undefined;
  if (has(given, "all")) return values.map(({ value }) => `${value}\n`).join("");
  const wanted = values.filter(({ key }) => has(given, key) || has(given, "env"));
  const alone = wanted.length === 1 && valueOf(given, wanted[0].key) === undefined;
  if (alone) return `${wanted[0].value}\n`;
  if (wanted.length > 0) {
    return wanted.map(({ key, variable, value }) => {
      const name = valueOf(given, key) ?? variable;
      return `${name}=${shellWord(value!)}; export ${name};\n`;
    }).join("");
  }
  if (has(given, "bearer")) return `Bearer ${token}\n`;
  if (has(given, "auth-header")) return `Authorization: Bearer ${token}`;
  return `${token}\n`;
}

/** What comes from a server is printed where a terminal or a shell reads it. */
export function printable(value: unknown): string | undefined {
  const text = typeof value === "number" ? String(value) : value;
  return typeof text === "string" && /^[ -~]*$/.test(text) ? text : undefined;
}
