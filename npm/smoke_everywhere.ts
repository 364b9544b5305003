/**
 * What the installed package does where there are Web standards and nothing else: `deno task npm:smoke` runs it in
 * workerd, without Node's modules, and on a page in Chromium.
 *
 * @module
 */

import { clientCredentials, clientSecretPost, discover, isTokenError, tokenSource } from "@apex/token";
import { blobStore, encryptedStore, memoryStore, type Store, storedTokens } from "@apex/token/stores";
import { denoKvStore } from "@apex/token/stores/deno-kv";
import { durableObjectStore } from "@apex/token/stores/durable-object";
import { redisStore } from "@apex/token/stores/redis";
import { authorizationServer } from "@apex/token/testing";

/**
 * Rejects when something does not work.
 *
 * @param store where tokens are shared. Default: a place for bytes in memory
 */
export async function test(store: Store = blobStore(places())): Promise<void> {
  for (const name of ["process", "Buffer", "require"]) {
    check(!(name in globalThis), `There is a global ${name}, so this proves nothing`);
  }
  const server = await authorizationServer({ clients: [{ clientId: "worker", secret: "a secret" }] });
  const issuer = await discover(server.issuer, { fetch: server.fetch });
  const client = { clientId: "worker", authentication: clientSecretPost("a secret") };
  const key = crypto.getRandomValues(new Uint8Array(32));

  const source = tokenSource(issuer, client, clientCredentials());
  const [first, second] = await Promise.all([source.get(), source.get()]);
  check(first.accessToken === second.accessToken, "Two callers got two tokens");
  check(server.count("token") === 1, "Two callers did not share one request");

  const shared = () =>
    tokenSource(
      issuer,
      client,
      storedTokens(clientCredentials({ scope: "a" }), { store, key, name: "smoke" }),
    );
  const one = await shared().get();
  const other = await shared().get();
  check(one.accessToken === other.accessToken, "Two sources with one store got two tokens");
  check(server.count("token") === 2, "Two sources with one store did not share one request");

  const wrong = { ...client, authentication: clientSecretPost("wrong") };
  const error = await tokenSource(issuer, wrong, clientCredentials()).get().catch((error: unknown) => error);
  check(isTokenError(error) && error.code === "server_refused", `A wrong secret: ${error}`);

  const sealed = encryptedStore(memoryStore(), key, "smoke");
  await sealed.compareAndSet("name", undefined, new Uint8Array([7]));
  check((await sealed.read("name"))?.value[0] === 7, "The store lost what it was given");

  for (const make of [denoKvStore, durableObjectStore, redisStore]) {
    check(typeof make === "function", "An entry of the stores gives none");
  }
}

/** Bytes under names. */
function places(): Parameters<typeof blobStore>[0] {
  const kept = new Map<string, Uint8Array>();
  return {
    get: (name) => Promise.resolve(kept.get(name)),
    put: (name, bytes) => Promise.resolve(kept.set(name, bytes)),
    delete: (name) => Promise.resolve(kept.delete(name)),
  };
}

function check(holds: boolean, message: string): void {
  if (!holds) throw new Error(message);
}
