/**
 * A route for any edge that has `fetch`: it calls an API with a token of its own. Where the platform keeps bytes under
 * names, the isolates share the token there, encrypted; where it does not, each isolate has one in its memory.
 *
 * ```ts
 * // Vercel: api/catalogue.ts
 * export const config = { runtime: "edge" };
 * export default catalogueRoute(process.env);
 *
 * // Netlify: netlify/edge-functions/catalogue.ts
 * const tokens = getStore({ name: "tokens", consistency: "strong" }); // of @netlify/blobs
 * export default catalogueRoute(Netlify.env.toObject(), {
 *   get: (name) => tokens.get(name, { type: "arrayBuffer" }),
 *   put: (name, bytes) => tokens.set(name, bytes.buffer),
 *   delete: (name) => tokens.delete(name),
 * });
 * export const config = { path: "/catalogue" };
 * ```
 *
 * @module
 */

import { clientCredentials, clientSecretBasic, discover, type TokenSource, tokenSource } from "@apex/token";
import { type Blobs, blobStore, storedTokens } from "@apex/token/stores";

/** What the platform calls; `waitUntil` is on its second argument, where it has one. */
type Route = (request: Request, context?: { waitUntil?(work: Promise<unknown>): void }) => Promise<Response>;

/**
 * Makes the route.
 *
 * @param env ISSUER, API, CLIENT_ID, CLIENT_SECRET, and with `blobs` TOKEN_KEY: 32 random bytes as Base64
 */
export function catalogueRoute(env: Readonly<Record<string, string | undefined>>, blobs?: Blobs): Route {
  const setting = (name: string): string => {
    const value = env[name];
    if (!value) throw new Error(`Set ${name} in the environment`);
    return value;
  };

  // Fetched with the first request, not at import: many an edge has no network before.
  let source: TokenSource | undefined;
  async function sourceOfToken(): Promise<TokenSource> {
    if (source) return source;
    const issuer = await discover(setting("ISSUER"));
    const authentication = clientSecretBasic(setting("CLIENT_SECRET"));
    const client = { clientId: setting("CLIENT_ID"), authentication };
    return source ??= tokenSource(issuer, client, grant());
  }

  function grant(): ReturnType<typeof clientCredentials> {
    const own = clientCredentials({ scope: "openid roles" });
    if (!blobs) return own;
    const key = Uint8Array.from(atob(setting("TOKEN_KEY")), (character) => character.charCodeAt(0));
    // Such a place may give what was there a minute ago. For a client's own token that costs a request, nothing more;
    // a refresh token needs a store with compare-and-set, and storedSession refuses this one.
    return storedTokens(own, { store: blobStore(blobs), key, name: "catalogue" });
  }

  return (_request, context) => {
    const work = sourceOfToken().then((source) => source.fetch(setting("API")));
    // Others may wait for the token that this request fetches: it goes on when its visitor has left.
    context?.waitUntil?.(work.catch(() => {}));
    return work;
  };
}
