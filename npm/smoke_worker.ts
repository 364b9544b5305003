/**
 * The package in a Worker: `deno task npm:smoke` bundles this file in a project that has the package installed, and runs
 * it in workerd without Node's modules.
 *
 * @module
 */

import { clientCredentials, clientSecretPost, discover, tokenSource } from "@apex/token";
import { encryptedStore, memoryStore } from "@apex/token/stores";
import { authorizationServer } from "@apex/token/testing";

async function test(): Promise<void> {
  for (const name of ["process", "Buffer"]) {
    if (name in globalThis) throw new Error(`There is a global ${name}, so this proves nothing`);
  }
  const server = await authorizationServer({ clients: [{ clientId: "worker", secret: "a secret" }] });
  const issuer = await discover(server.issuer, { fetch: server.fetch });
  const client = { clientId: "worker", authentication: clientSecretPost("a secret") };
  const source = tokenSource(issuer, client, clientCredentials());
  const [first, second] = await Promise.all([source.get(), source.get()]);
  if (first.accessToken !== second.accessToken || server.count("token") !== 1) {
    throw new Error("Two callers did not share one request");
  }
  const store = encryptedStore(memoryStore(), crypto.getRandomValues(new Uint8Array(32)), "worker");
  await store.compareAndSet("name", undefined, new Uint8Array([7]));
  if ((await store.read("name"))?.value[0] !== 7) throw new Error("The store lost what it was given");
}

const handler: { test(): Promise<void> } = { test };

export { handler as default };
