/**
 * Which calls are for the same token.
 *
 * @module
 */

import { defined } from "../oauth/_defined.ts";
import type { TokenParameters } from "../oauth/token_request.ts";

/** What makes one token another than the next. */
const NAMES = ["scope", "audience", "resource", "authorizationDetails", "extra"] as const;

/** What a call asks for: its own words, and the defaults where it says nothing. */
export function parametersOf(defaults: TokenParameters, asked: TokenParameters): TokenParameters {
  return defined(Object.fromEntries(NAMES.map((name) => [name, asked[name] ?? defaults[name]])));
}

/** The cache key: scopes in any order are the same request; the defaults themselves are `""`. */
export function keyOf(defaults: TokenParameters, asked: TokenParameters): string {
  if (NAMES.every((name) => asked[name] === undefined)) return "";
  const key = identity(parametersOf(defaults, asked));
  return key === identity(defaults) ? "" : key;
}

/** What is asked for in one string: the same for scopes in any order. */
export function identity(
  { scope, audience, resource, authorizationDetails, extra = {} }: TokenParameters,
): string {
  return JSON.stringify([
    scope && [...new Set(scope.split(" "))].filter(Boolean).sort(),
    audience,
    [resource ?? []].flat().sort(),
    authorizationDetails,
    Object.entries(extra).sort(),
  ]);
}
