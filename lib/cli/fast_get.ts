/**
 * The quick answer to `get`: a token that is cached and good, without loading the command line.
 *
 * Whatever is not plain and well is left to the slow path, which knows how to say what is wrong.
 *
 * @module
 */

import { type FastIo, fastIo } from "../host/fast_io.ts";
import { keyFromText } from "../host/key_text.ts";
import {
  cachedTokenName,
  isFresh,
  type Narrowing,
  narrowingKey,
  openCachedToken,
  splitCachedToken,
} from "../profile/cached_token.ts";
import { forms, isOutputForm, type OutputForm } from "./output/forms.ts";

/** Prints the token if that is all there is to do. Returns whether it did. */
export async function fastGet(): Promise<boolean> {
  const io = fastIo();
  const wish = io && parse(io.args);
  if (!io || !wish) return false;
  const name = wish.name ?? io.environment("APEX_TOKEN_PROFILE") ?? defaultName(io);
  if (name === undefined || !/^[\w.-]{1,64}$/.test(name)) return false;
  try {
    const token = await find(io, name, wish);
    if (!token || !isFresh(token, Date.now() / 1000, wish.minValidity)) return false;
    const { accessToken, tokenType, expiresAt, scope, issuer, profile } = token;
    const answer = { token: accessToken, tokenType, expiresAt, scope, issuer, profile };
    io.write(forms[wish.form](answer));
    return true;
  } catch {
    return false;
  }
}

async function find(io: FastIo, name: string, wish: Wish) {
  const asked = narrowingKey(wish);
  const bytes = io.read(`${io.directories.state}/tokens/${cachedTokenName(name, asked)}`);
  const parts = bytes && splitCachedToken(bytes);
  const key = parts && io.read(parts.header.key);
  if (!parts || !key) return undefined;
  return await openCachedToken(parts.sealed, keyFromText(new TextDecoder().decode(key)), name, asked);
}

function defaultName(io: FastIo): string | undefined {
  // a client in the environment comes before the default profile
  if (io.environment("APEX_CLIENT_ID") !== undefined || io.environment("APEX_CLIENT_SECRET") !== undefined) {
    return undefined;
  }
  const bytes = io.read(`${io.directories.config}/default`);
  return bytes && new TextDecoder().decode(bytes).trim();
}

interface Wish extends Narrowing {
  name?: string;
  form: OutputForm;
  minValidity?: number;
  scope?: string;
  audience?: string;
}

const OPTIONS: Readonly<Record<string, "scope" | "audience" | "form" | "minValidity">> = {
  "-s": "scope",
  "--scope": "scope",
  "--aud": "audience",
  "--audience": "audience",
  "-o": "form",
  "--output": "form",
  "--min-validity": "minValidity",
};

/** The plain spellings of `get`; anything else is for the real parser. */
function parse(args: readonly string[]): Wish | undefined {
  if (args[0] !== "get") return undefined;
  const wish: Wish = { form: "token" };
  for (let at = 1; at < args.length; at++) {
    const argument = args[at];
    if (!argument.startsWith("-")) {
      if (wish.name !== undefined || argument === "") return undefined;
      wish.name = argument;
      continue;
    }
    const option = OPTIONS[argument];
    const value = args[++at];
    if (option === undefined || value === undefined || value.startsWith("-")) return undefined;
    if (option === "form") {
      if (!isOutputForm(value)) return undefined;
      wish.form = value;
    } else if (option === "minValidity") {
      if (!/^\d{1,9}$/.test(value)) return undefined;
      wish.minValidity = Number(value);
    } else wish[option] = value;
  }
  return wish;
}
