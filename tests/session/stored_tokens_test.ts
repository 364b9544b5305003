import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Client } from "../../lib/oauth/client.ts";
import { clientSecretPost } from "../../lib/oauth/client_authentication.ts";
import { mutualTls } from "../../lib/oauth/mutual_tls.ts";
import { clientCredentials, type Grant } from "../../lib/session/grant.ts";
import { storedTokens } from "../../lib/session/stored_tokens.ts";
import { type TokenSource, tokenSource } from "../../lib/session/token_source.ts";
import { blobStore } from "../../lib/store/blob.ts";
import type { Store } from "../../lib/store/store.ts";
import { failureOf, type World, world } from "../oauth/support.ts";
import { holdsPlaintext } from "../store/plaintext.ts";
import { key, passing, sharedStore } from "./shared_store.ts";

const service: Client = { clientId: "service", authentication: clientSecretPost("service-secret") };

function source(
  { issuer, clock }: World,
  store: Store,
  { client = service, name = "service", grant = clientCredentials() }: {
    readonly client?: Client;
    readonly name?: string;
    readonly grant?: Grant;
  } = {},
): TokenSource {
  return tokenSource(issuer, client, storedTokens(grant, { store, key, name, clock }));
}

async function tokensOf(made: World, sources: TokenSource[], callers = 20): Promise<string[]> {
  const calls = sources.flatMap((source) => Array.from({ length: callers }, () => source.get()));
  const given = await passing(made.clock, Promise.all(calls));
  return [...new Set(given.map(({ accessToken }) => accessToken))];
}

describe("a client's own tokens in a store", () => {
  it("are asked for once by all processes and all callers, life after life", async () => {
    const made = await world();
    const { store, written } = sharedStore(made.clock);
    const sources = Array.from({ length: 4 }, () => source(made, store));
    for (let life = 1; life <= 3; life++) {
      const tokens = await tokensOf(made, sources);
      assert.equal(tokens.length, 1);
      assert.equal(made.server.count("token"), life);
      assert.ok(written.length > 0 && !written.some((bytes) => holdsPlaintext(bytes, tokens[0])));
      await made.clock.advance(301_000);
    }
  });

  it("are of use to a process that starts later", async () => {
    const made = await world();
    const { store } = sharedStore(made.clock);
    const [first] = await tokensOf(made, [source(made, store)]);
    assert.deepEqual(await tokensOf(made, [source(made, store)]), [first]);
    assert.equal(made.server.count("token"), 1);
  });

  it("are kept apart by name, by client, by its proof and by what they are for", async () => {
    const made = await world({
      clients: [{ clientId: "service", secret: "service-secret" }, { clientId: "other", secret: "s" }],
    });
    const { store } = sharedStore(made.clock);
    const other: Client = { clientId: "other", authentication: clientSecretPost("s") };
    const tokens = await tokensOf(made, [
      source(made, store),
      source(made, store, { name: "another" }),
      source(made, store, { client: other }),
      source(made, store, { client: { ...service, authentication: mutualTls(service.authentication) } }),
      source(made, store, { grant: clientCredentials({ scope: "a b" }) }),
      source(made, store, { grant: clientCredentials({ scope: "b a" }) }),
      source(made, store, { grant: clientCredentials({ audience: "https://api.test" }) }),
    ]);
    assert.equal(tokens.length, 6);
    assert.equal(made.server.count("token"), 6);
  });

  it("may be kept where nothing can be compared and set, such as Cloudflare KV", async () => {
    const made = await world();
    const all = new Map<string, ArrayBuffer>();
    const blobs = () =>
      blobStore({
        get: (name) => Promise.resolve(all.get(name) ?? null),
        put: (name, bytes) => Promise.resolve(void all.set(name, bytes.slice().buffer)),
        delete: (name) => Promise.resolve(void all.delete(name)),
      }, { clock: made.clock });
    const [first] = await tokensOf(made, [source(made, blobs())]);
    assert.deepEqual(await tokensOf(made, [source(made, blobs())]), [first]);
    assert.equal(made.server.count("token"), 1);
    assert.ok(![...all.values()].some((bytes) => holdsPlaintext(new Uint8Array(bytes), first)));
  });

  it("are asked for by each process for itself while the store is down", async () => {
    const made = await world();
    const { store, down } = sharedStore(made.clock);
    down(true);
    const sources = [source(made, store), source(made, store)];
    assert.equal((await tokensOf(made, sources)).length, 2);
    assert.equal(made.server.count("token"), 2);
    down(false);
    await made.clock.advance(301_000);
    assert.equal((await tokensOf(made, sources)).length, 1);
    assert.equal(made.server.count("token"), 3);
  });

  it("are asked for anew where what is kept is broken, but not where the key is another", async () => {
    const made = await world();
    const { store } = sharedStore(made.clock);
    const [first] = await tokensOf(made, [source(made, store)]);
    const broken: Store = {
      ...store,
      read: async (key) => {
        const found = await store.read(key);
        return found && { ...found, value: found.value.map((byte, at) => at === 200 ? byte ^ 1 : byte) };
      },
    };
    assert.notEqual((await tokensOf(made, [source(made, broken)]))[0], first);
    const grant = storedTokens(clientCredentials(), {
      store,
      key: new Uint8Array(32),
      name: "service",
      clock: made.clock,
    });
    const error = await failureOf(passing(made.clock, tokenSource(made.issuer, service, grant).get()));
    assert.equal(error.code, "key");
  });

  it("are not asked for where no key could keep them", async () => {
    const made = await world();
    const { store } = sharedStore(made.clock);
    for (const key of ["0123456789abcdef0123456789abcdef" as never, new Uint8Array(31)]) {
      const options = { store, name: "service", clock: made.clock };
      assert.throws(() => storedTokens(clientCredentials(), { ...options, key }), { code: "key" });
      const grant = storedTokens(clientCredentials(), { ...options, key: () => key });
      const error = await failureOf(passing(made.clock, tokenSource(made.issuer, service, grant).get()));
      assert.equal(error.code, "key");
    }
    assert.equal(made.server.count("token"), 0);
  });

  it("pass on what the server says, and leave it alone for as long as it wants, in all processes", async () => {
    const made = await world();
    const { store } = sharedStore(made.clock);
    made.server.fault("token", { type: "status", status: 503, headers: { "retry-after": "60" } });
    const [one, other] = [source(made, store), source(made, store)];
    for (const each of [one, other, one]) {
      const error = await failureOf(passing(made.clock, each.get()));
      assert.equal(error.code, "unavailable");
    }
    assert.equal(made.server.count("token"), 1);
    await made.clock.advance(61_000);
    assert.equal((await tokensOf(made, [one, other])).length, 1);
    assert.equal(made.server.count("token"), 2);
  });

  it("are renewed when they were called bad", async () => {
    const made = await world();
    const { store } = sharedStore(made.clock);
    const sources = [source(made, store), source(made, store)];
    const [bad] = await tokensOf(made, sources);
    await made.clock.advance(5000);
    for (const each of sources) each.invalidate(bad);
    const tokens = await tokensOf(made, sources);
    assert.equal(tokens.length, 1);
    assert.notEqual(tokens[0], bad);
    assert.equal(made.server.count("token"), 2);
  });
});
