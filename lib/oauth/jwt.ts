/**
 * Looking into a JWT without trusting it.
 *
 * @module
 */

import { parseJson } from "../http/json.ts";
import { unusableAnswer } from "./_answer.ts";
import { fromBase64 } from "./_encodings.ts";

/** The longest JWT that is looked into, in characters. */
const LIMIT = 65_536;

/** Whether a text has the form of a signed JWT. */
export function isJwt(text: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text);
}

/** The claims of a JWT as anybody may have written them; nothing when it is no JWT. Nobody may decide by them. */
export function unverifiedClaims(jwt: string): Record<string, unknown> | undefined {
  return part(jwt, 1);
}

/** The header of a JWT as anybody may have written it; nothing when it is no JWT. */
export function unverifiedHeader(jwt: string): Record<string, unknown> | undefined {
  return part(jwt, 0);
}

function part(jwt: string, index: 0 | 1): Record<string, unknown> | undefined {
  if (jwt.length > LIMIT || !/^[\w-]+\.[\w-]+\.[\w-]*$/.test(jwt)) return undefined;
  try {
    const value = parseJson(fromBase64(jwt.split(".", 2)[index]), unusableAnswer);
    return typeof value === "object" && value !== null ? value as Record<string, unknown> : undefined;
  } catch {
    return undefined;
  }
}
