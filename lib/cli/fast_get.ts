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
  type CachedToken,
  type CachedTokenHeader,
  cachedTokenName,
  isFresh,
  type Narrowing,
  narrowingKey,
  openCachedToken,
  readBareToken,
  splitCachedToken,
} from "../profile/cached_token.ts";
import { forms, isOutputForm, type OutputForm } from "./output/forms.ts";

/** What a plain `get` asks for. */
export interface FastGet extends Narrowing {
  name?: string;
  form: OutputForm;
  minValidity?: number;
  scope?: string;
  audience?: string;
}

/** Prints the token if that is all there is to do. Returns whether it did. */
export async function fastGet(io: FastIo | undefined = fastIo()): Promise<boolean> {
  const wish = io && parseFastGet(io.args);
  const token = wish && await find(io, wish).catch(() => undefined);
  if (!token) return false;
  const { accessToken, tokenType, expiresAt, scope, issuer, profile } = token;
  const answer = { token: accessToken, tokenType, expiresAt, scope, issuer, profile };
  try {
    await io.write(forms[wish.form](answer));
  } catch {
    // it fails there in the same way, and says why
    return false;
  }
  io.end?.();
  return true;
}

async function find(io: FastIo, wish: FastGet): Promise<CachedToken | undefined> {
  const name = wish.name ?? io.environment("APEX_TOKEN_PROFILE") ?? defaultName(io);
  // it has to stay in its directory; what else is no name is the name of no file
  if (!name || name.includes("/")) return undefined;
  const asked = narrowingKey(wish);
  const bytes = io.read(`${io.state}/tokens/${cachedTokenName(name, asked)}`);
  const parts = bytes && splitCachedToken(bytes);
  const token = parts && (bareCopy(io, parts.header, name, asked) ?? await opened(io, parts, name, asked));
  if (!token) return undefined;
  const now = Date.now() / 1000;
  // one that is shorter than asked comes with a warning, and so does one that curl cannot use
  const isPlain = token.expiresAt - now >= (wish.minValidity ?? 0) && token.tokenType === "Bearer";
  return isFresh(token, now, wish.minValidity) && isPlain ? token : undefined;
}

/** Whoever wrote that path into a private file has looked at its directory; its name cannot be guessed. */
function bareCopy(
  io: FastIo,
  { fast }: CachedTokenHeader,
  name: string,
  asked: string,
): CachedToken | undefined {
  const bytes = fast === undefined ? undefined : io.read(fast);
  const token = bytes && readBareToken(bytes, name);
  return token?.asked === asked ? token : undefined;
}

async function opened(
  io: FastIo,
  { header, sealed }: { header: CachedTokenHeader; sealed: Uint8Array },
  name: string,
  asked: string,
): Promise<CachedToken | undefined> {
  // for the threads of Web Crypto, which take as long to begin as the key takes to be read: a hash of so many bytes is
  // left to them
  void crypto.subtle.digest("SHA-256", new Uint8Array(65));
  const key = header.key === undefined ? await profileKey(io, name) : keyInFile(io, header.key);
  return key && await openCachedToken(sealed, key, name, asked);
}

function keyInFile(io: FastIo, path: string): Uint8Array | undefined {
  const bytes = io.read(path);
  return bytes && keyFromText(new TextDecoder().decode(bytes));
}

/** The key that the profile itself has, where there are quick ways to it. */
async function profileKey(io: FastIo, name: string): Promise<Uint8Array | undefined> {
  if (!io.sockets) return undefined;
  const { fastKey } = await import("../profile/fast_key.ts");
  return await fastKey(io, name, async (id) => {
    const { quickKey } = await import("../agent/quick_key.ts");
    return await quickKey(io, id);
  });
}

function defaultName(io: FastIo): string | undefined {
  // a client in the environment comes before the default profile
  if (io.environment("APEX_CLIENT_ID") !== undefined || io.environment("APEX_CLIENT_SECRET") !== undefined) {
    return undefined;
  }
  const bytes = io.read(`${io.config}/default`);
  return bytes && new TextDecoder().decode(bytes).trim();
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

/** The plain spellings of `get`; nothing for anything else, which is for the real parser. */
export function parseFastGet(args: readonly string[]): FastGet | undefined {
  if (args[0] !== "get") return undefined;
  const wish: Partial<FastGet> = {};
  for (let at = 1; at < args.length; at++) {
    const argument = args[at];
    if (!argument.startsWith("-")) {
      if (wish.name !== undefined || argument === "") return undefined;
      wish.name = argument;
      continue;
    }
    const option = OPTIONS[argument];
    const value = args[++at];
    if (option === undefined || wish[option] !== undefined) return undefined;
    if (!value?.trim() || value.startsWith("-")) return undefined;
    if (option === "form") {
      if (!isOutputForm(value)) return undefined;
      wish.form = value;
    } else if (option === "minValidity") {
      if (!/^\d{1,9}$/.test(value)) return undefined;
      wish.minValidity = Number(value);
    } else wish[option] = value;
  }
  return { form: "token", ...wish };
}
