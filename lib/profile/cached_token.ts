/**
 * The small file that answers a `get` whose token is still good. It is read on the path that runs a thousand times a
 * day, so this module loads nothing but the envelope.
 *
 * One line of JSON says which key opens it; the rest is sealed.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import type { AccessToken } from "../session/token_source.ts";
import { thresholds } from "../session/expiry.ts";
import { open, seal } from "../store/envelope.ts";

/** What a cached token was asked for with. */
export interface Narrowing {
  readonly scope?: string;
  readonly audience?: string;
}

/** A token with what it was asked for with. */
export interface CachedToken extends AccessToken {
  readonly issuer: string;
  readonly profile: string;
  /** The {@linkcode narrowingKey} that it was asked for with. */
  readonly asked: string;
  /** When it was asked for, in epoch milliseconds: who calls a token bad wants one that was asked for later. */
  readonly requestedAt?: number;
  /** From here on it is renewed, in epoch seconds. */
  readonly softAt: number;
  /** From here on it is renewed before it is handed out, in epoch seconds. */
  readonly hardAt: number;
}

/** What the first line of the file says. */
export interface CachedTokenHeader {
  readonly format: 1;
  /** The key file; absent when the profile's own key opens it. */
  readonly key?: string;
  /** A bare copy in memory (`--fast-cache`); absent where there is none. */
  readonly fast?: string;
}

const STORE_ID = "apex-token/access-tokens";

/** The narrowing in one string: scopes in any order are the same. Empty for none. */
export function narrowingKey({ scope, audience }: Narrowing): string {
  if (scope === undefined && audience === undefined) return "";
  const scopes = scope?.split(/\s+/).filter(Boolean).sort().join(" ");
  return JSON.stringify([scopes ?? null, audience ?? null]);
}

/** The file's name in the cache directory: the profile's, with a short mark of the narrowing. */
export function cachedTokenName(profile: string, asked: string): string {
  return asked === "" ? `${profile}.token` : `${profile}@${fnv1a(asked)}.token`;
}

// Names only have to differ most of the time: what a file was asked for with is checked once it is open.
function fnv1a(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, "0");
}

/** A token as it is cached: with the points at which it is renewed. */
export function cachedToken(
  token: AccessToken,
  from: Pick<CachedToken, "issuer" | "profile" | "asked" | "requestedAt">,
): CachedToken {
  const { soft, hard } = thresholds(token.issuedAt, token.expiresAt, Math.random());
  return { ...token, ...from, softAt: soft, hardAt: hard };
}

/** The bytes of the file. */
export async function encodeCachedToken(
  token: CachedToken,
  key: Uint8Array,
  places: Pick<CachedTokenHeader, "key" | "fast">,
): Promise<Uint8Array> {
  const header: CachedTokenHeader = { format: 1, ...places };
  const line = new TextEncoder().encode(JSON.stringify(header) + "\n");
  const plaintext = new TextEncoder().encode(JSON.stringify(token));
  const context = { storeId: STORE_ID, recordId: cachedTokenName(token.profile, token.asked), generation: 0 };
  const sealed = await seal(key, context, plaintext);
  const bytes = new Uint8Array(line.length + sealed.length);
  bytes.set(line);
  bytes.set(sealed, line.length);
  return bytes;
}

/** The first line of the file and where the sealed part begins; nothing when it is not such a file. */
export function splitCachedToken(
  bytes: Uint8Array,
): { header: CachedTokenHeader; sealed: Uint8Array } | undefined {
  const end = bytes.indexOf(10);
  if (end < 0) return undefined;
  try {
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
    if (header?.format !== 1 || !isPath(header.key) || !isPath(header.fast)) return undefined;
    return { header, sealed: bytes.subarray(end + 1) };
  } catch {
    return undefined;
  }
}

function isPath(value: unknown): boolean {
  return value === undefined || typeof value === "string";
}

/** The token in a bare copy; nothing when it is not whole, or another profile's. */
export function readBareToken(bytes: Uint8Array, profile: string): CachedToken | undefined {
  try {
    const token = JSON.parse(new TextDecoder().decode(bytes)) as CachedToken;
    return token.profile === profile ? token : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Opens the sealed part of the file for what was asked.
 *
 * @throws {TokenError} `key` or `storage` when it does not open or is for something else
 */
export async function openCachedToken(
  sealed: Uint8Array,
  key: Uint8Array,
  profile: string,
  asked: string,
): Promise<CachedToken> {
  const token = await openCachedTokenFile(sealed, key, profile, cachedTokenName(profile, asked));
  if (token.asked === asked) return token;
  throw new TokenError("storage", "Cannot use the cached token: it is for something else");
}

/**
 * Opens the sealed part of the file with that name, whatever it was asked for with.
 *
 * @throws {TokenError} as {@linkcode openCachedToken}
 */
export async function openCachedTokenFile(
  sealed: Uint8Array,
  key: Uint8Array,
  profile: string,
  name: string,
): Promise<CachedToken> {
  const context = { storeId: STORE_ID, recordId: name };
  const { plaintext } = await open(key, context, sealed);
  const token = JSON.parse(new TextDecoder().decode(plaintext)) as CachedToken;
  if (token.profile === profile) return token;
  throw new TokenError("storage", "Cannot use the cached token: it is for something else");
}

/**
 * Whether a cached token can be handed out without asking anybody.
 *
 * @param now epoch seconds
 * @param minValidity seconds that it must still live
 */
export function isFresh(token: CachedToken, now: number, minValidity = 0): boolean {
  // a clock that went back past the token's making says nothing about its life
  if (now < token.issuedAt - 60 || now >= token.softAt) return false;
  const tooShortEvenWhenFresh = minValidity > token.hardAt - token.issuedAt;
  return tooShortEvenWhenFresh || token.expiresAt - now >= minValidity;
}
