/**
 * A Cloudflare Worker that calls an API with a token of its own. One token serves all its isolates, everywhere: it is
 * kept, encrypted, in a Durable Object.
 *
 * ```sh
 * npm install @apex/token
 * npx wrangler secret put CLIENT_SECRET
 * openssl rand -base64 32 | npx wrangler secret put TOKEN_KEY
 * npx wrangler deploy
 * ```
 *
 * The bindings are in `wrangler.json`; no `nodejs_compat` is needed.
 *
 * @module
 */

import {
  clientCredentials,
  clientSecretPost,
  discover,
  isTokenError,
  type TokenSource,
  tokenSource,
} from "@apex/token";
import { storedTokens } from "@apex/token/stores";
import { type DurableObjectNamespace, durableObjectStore } from "@apex/token/stores/durable-object";

// The class of the Durable Objects: the platform finds it among the exports.
export { TokenStoreObject } from "@apex/token/stores/durable-object";

interface Environment {
  readonly TOKENS: DurableObjectNamespace;
  readonly ISSUER: string;
  readonly API: string;
  readonly CLIENT_ID: string;
  readonly CLIENT_SECRET: string;
  readonly TOKEN_KEY: string;
}

interface Context {
  waitUntil(work: Promise<unknown>): void;
}

// One for the isolate: a token that is in its memory costs no look into the store.
let source: TokenSource | undefined;

async function sourceOf(env: Environment): Promise<TokenSource> {
  if (source) return source;
  const issuer = await discover(env.ISSUER);
  const client = { clientId: env.CLIENT_ID, authentication: clientSecretPost(env.CLIENT_SECRET) };
  const key = Uint8Array.from(atob(env.TOKEN_KEY), (character) => character.charCodeAt(0));
  const store = durableObjectStore(env.TOKENS);
  const grant = storedTokens(clientCredentials({ scope: "openid roles" }), { store, key, name: "catalogue" });
  return source ??= tokenSource(issuer, client, grant);
}

async function answer(request: Request, env: Environment): Promise<Response> {
  try {
    const url = new URL(env.API);
    url.search = new URL(request.url).search;
    return await (await sourceOf(env)).fetch(url);
  } catch (error) {
    // Neither the code nor the message has a secret in it; they are for the log all the same, not for visitors.
    console.error(isTokenError(error) ? `${error.code}: ${error.message}` : error);
    return new Response("The catalogue cannot be asked now\n", { status: 502 });
  }
}

export default {
  fetch(request: Request, env: Environment, context: Context): Promise<Response> {
    const work = answer(request, env);
    // Others may wait for the token that this visitor's request fetches: it goes on when the visitor has left.
    context.waitUntil(work);
    return work;
  },
};
