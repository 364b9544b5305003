/**
 * Which calls are for the same token.
 *
 * @module
 */

import type { TokenParameters } from "../oauth/token_request.ts";

/** What a call asks for: its own words, and the defaults where it says nothing. */
export function parametersOf(defaults: TokenParameters, asked: TokenParameters): TokenParameters {
  const { scope, audience, resource, authorizationDetails, extra } = { ...defaults, ...defined(asked) };
  return defined({ scope, audience, resource, authorizationDetails, extra });
}

/** The cache key: scopes in any order are the same request; the defaults themselves are `""`. */
export function keyOf(defaults: TokenParameters, asked: TokenParameters): string {
  const { scope, audience, resource, authorizationDetails, extra } = asked;
  const silent = scope === undefined && audience === undefined && resource === undefined &&
    authorizationDetails === undefined && extra === undefined;
  if (silent) return "";
  const key = identity(parametersOf(defaults, asked));
  return key === identity(defaults) ? "" : key;
}

function identity(
  { scope, audience, resource, authorizationDetails, extra = {} }: TokenParameters,
): string {
  return JSON.stringify([
    scope === undefined ? null : [...new Set(scope.split(" "))].filter(Boolean).sort(),
    audience ?? null,
    [resource ?? []].flat().sort(),
    authorizationDetails ?? null,
    Object.entries(extra).sort(),
  ]);
}

function defined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}
