/**
 * What a token is for: scope and audience.
 *
 * @module
 */

import { refusal } from "./answers.ts";
import type { TestClient } from "./options.ts";
import type { State } from "./state.ts";

/** What the metadata names when a test does not say. */
export const USUAL_SCOPES: readonly string[] = ["openid", "profile", "email", "offline_access", "roles"];

/**
 * The scope that a client gets: what it asks for, or else what it is registered with.
 *
 * @throws a refusal: `invalid_scope`
 */
export function grantedScope(state: State, client: TestClient, asked: string | null): string {
  if (asked === null) return client.scope ?? "";
  const words = scopeWords(asked);
  const supported = state.settings.scopesSupported;
  const registered = client.scope === undefined ? undefined : scopeWords(client.scope);
  for (const word of words) {
    const known = supported === undefined || supported.includes(word);
    if (!known || (registered !== undefined && !registered.includes(word))) {
      throw refusal("invalid_scope", `The scope ${word} is not for this client`);
    }
  }
  return words.join(" ");
}

/**
 * The scope of a refresh or an exchange: what is asked for, within what was granted (RFC 6749 section 6).
 *
 * @throws a refusal: `invalid_scope`
 */
export function narrowedScope(granted: string, asked: string | null): string {
  if (asked === null) return granted;
  const words = scopeWords(asked);
  const beyond = words.find((word) => !scopeWords(granted).includes(word));
  if (beyond !== undefined) throw refusal("invalid_scope", `The scope ${beyond} was not granted`);
  return words.join(" ");
}

/**
 * The words of a scope, each once.
 *
 * @throws a refusal when it has characters that RFC 6749 section 3.3 does not permit
 */
export function scopeWords(scope: string): string[] {
  if (!/^[\x20\x21\x23-\x5B\x5D-\x7E]*$/.test(scope)) {
    throw refusal("invalid_scope", "The scope is malformed");
  }
  return [...new Set(scope.split(" ").filter((word) => word !== ""))];
}

/**
 * The audience that a request asks for, in the server's dialect: `resource` (RFC 8707) or `audience`.
 *
 * @returns nothing when none is asked for
 * @throws a refusal: `invalid_target`
 */
export function askedAudience(state: State, parameters: URLSearchParams): readonly string[] {
  const dialect = state.settings.audienceDialect;
  const resources = dialect === "resource" || dialect === "both" ? parameters.getAll("resource") : [];
  const audiences = dialect === "audience" || dialect === "both" ? parameters.getAll("audience") : [];
  for (const resource of resources) {
    if (!URL.canParse(resource) || resource.includes("#")) {
      throw refusal("invalid_target", "resource must be an absolute URI without a fragment");
    }
  }
  return [...new Set([...resources, ...audiences.flatMap((audience) => audience.split(" "))])];
}

/**
 * The audience of a later token: a `resource` must be one that was granted (RFC 8707 section 2.2); `audience` is free.
 *
 * @throws a refusal: `invalid_target`
 */
export function laterAudience(
  state: State,
  granted: readonly string[],
  parameters: URLSearchParams,
): readonly string[] {
  const asked = askedAudience(state, parameters);
  const resources = asked.filter((target) => parameters.getAll("resource").includes(target));
  const bound = granted.length > 0 || state.flavor.resourceBoundAtSignIn;
  const beyond = bound ? resources.find((resource) => !granted.includes(resource)) : undefined;
  if (beyond !== undefined) throw refusal("invalid_target", `The resource ${beyond} was not granted`);
  return asked.length === 0 ? granted : asked;
}
