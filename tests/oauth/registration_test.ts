import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { clientSecretBasic } from "../../lib/oauth/client_authentication.ts";
import { clientCredentialsGrant } from "../../lib/oauth/grants/client_credentials.ts";
import {
  deleteRegistration,
  readRegistration,
  registerClient,
  type RegisteredClient,
  updateRegistration,
} from "../../lib/oauth/registration.ts";
import { assertHides, failureOf, json, type Stub, stub, world } from "./support.ts";

const metadata = { registration_endpoint: "https://as.test/register" };
const wanted = {
  client_name: "Zoë's laptop",
  grant_types: ["client_credentials"],
  token_endpoint_auth_method: "client_secret_basic",
};
const before: RegisteredClient = {
  clientId: "c1",
  clientSecret: "secret-canary",
  clientSecretExpiresAt: 100,
  metadata: { client_name: "one" },
  registrationClientUri: "https://as.test/register/c1",
  registrationAccessToken: "rat-canary",
};

/** The JSON bodies that a stub saw. */
function recording(reply: (method: string, body: unknown) => Response): Stub & { bodies: unknown[] } {
  const bodies: unknown[] = [];
  const place = stub(json({}), { metadata });
  const { issuer } = place;
  const fetch = (url: string, init: RequestInit) => {
    const { method = "GET", body, headers } = init;
    place.sent.push({ url, method, headers: new Headers(headers), form: new URLSearchParams() });
    bodies.push(body === undefined || body === null ? undefined : JSON.parse(String(body)));
    return Promise.resolve(reply(method, bodies.at(-1)));
  };
  return { ...place, issuer: { ...issuer, http: { ...issuer.http, fetch } }, bodies };
}

describe("a client registration", () => {
  it("is made, read, changed and deleted, and works in between", async () => {
    const { server, issuer } = await world();
    const first = await registerClient(issuer, wanted);
    assert.equal(first.metadata.client_name, "Zoë's laptop");
    assert.equal(first.clientSecretExpiresAt, undefined);
    const authentication = clientSecretBasic(first.clientSecret!);
    await clientCredentialsGrant(issuer, { clientId: first.clientId, authentication });
    const read = await readRegistration(issuer, first);
    assert.deepEqual(read, first);
    const changed = await updateRegistration(issuer, read, { ...read.metadata, client_name: "phone" });
    assert.equal(changed.metadata.client_name, "phone");
    // the server has replaced the registration access token with the update
    assert.notEqual(changed.registrationAccessToken, first.registrationAccessToken);
    assert.equal((await failureOf(readRegistration(issuer, first))).serverError, "invalid_token");
    assert.equal((await readRegistration(issuer, changed)).metadata.client_name, "phone");
    await deleteRegistration(issuer, changed);
    assert.ok(!server.clientIds.includes(first.clientId));
    assert.deepEqual(server.requests.map(({ method }) => method).join(), "POST,POST,GET,PUT,GET,GET,DELETE");
  });

  it("is a JSON document, with the operator's token where there is one (G9)", async () => {
    const { server, issuer } = await world({ registration: "token" });
    const refused = await failureOf(registerClient(issuer, wanted, { initialAccessToken: "token-canary" }));
    assert.deepEqual([refused.code, refused.serverError], ["server_refused", "invalid_token"]);
    assertHides(refused, "token-canary");
    await registerClient(issuer, wanted, { initialAccessToken: "initial-access-token" });
    const [, { method, headers, json }] = server.requests;
    assert.deepEqual([method, headers.get("content-type"), json], ["POST", "application/json", wanted]);
    assert.equal(headers.get("authorization"), "Bearer initial-access-token");
    await failureOf(registerClient(issuer, wanted));
    assert.equal(server.requests[2].headers.get("authorization"), null);
  });

  it("is what the server made of it, which may be less than was asked for (G6)", async () => {
    const made = {
      client_id: "c1",
      client_secret: "s",
      client_secret_expires_at: 1_800_000_000,
      client_id_issued_at: 1,
      grant_types: ["authorization_code"],
      scope: "openid",
      registration_access_token: "rat",
      registration_client_uri: "https://as.test/register/c1",
    };
    const { issuer } = stub(json(made, 201), { metadata });
    assert.deepEqual(await registerClient(issuer, { ...wanted, scope: "openid roles" }), {
      clientId: "c1",
      clientSecret: "s",
      clientSecretExpiresAt: 1_800_000_000,
      metadata: { grant_types: ["authorization_code"], scope: "openid" },
      registrationClientUri: "https://as.test/register/c1",
      registrationAccessToken: "rat",
    });
  });

  it("of a public client has no secret, and no access to itself where the server gives none (G6)", async () => {
    const { issuer, met } = stub(json({ client_id: "c1", client_secret_expires_at: 5 }, 200), { metadata });
    const client = await registerClient(issuer, {});
    assert.deepEqual(client, { clientId: "c1", metadata: {} });
    assert.deepEqual(met, ["success-status"]);
    for (const work of [readRegistration, deleteRegistration]) {
      assert.equal((await failureOf(work(issuer, client) as Promise<unknown>)).code, "unsupported");
    }
    assert.equal((await failureOf(updateRegistration(issuer, client, {}))).code, "unsupported");
    const half = { ...client, registrationClientUri: "https://as.test/register/c1" };
    assert.equal((await failureOf(readRegistration(issuer, half))).code, "unsupported");
  });

  it("with a secret that does not say how long it is good has one without end, which is reported", async () => {
    const { issuer, met } = stub(json({ client_id: "c1", client_secret: "s" }, 201), { metadata });
    assert.deepEqual(await registerClient(issuer, {}), { clientId: "c1", clientSecret: "s", metadata: {} });
    assert.deepEqual(met, ["secret-end-missing"]);
  });

  for (const body of [{}, { client_id: 7 }, { client_id: "" }, [], "secret-canary"]) {
    it(`is refused when the answer is ${JSON.stringify(body)}`, async () => {
      const { issuer } = stub(json(body, 201), { metadata });
      const error = await failureOf(registerClient(issuer, wanted));
      assert.equal(error.code, "invalid_response");
      assertHides(error, "secret-canary");
    });
  }

  it("says in the server's words why it was refused", async () => {
    const { issuer } = await world();
    const error = await failureOf(registerClient(issuer, { token_endpoint_auth_method: "magic" }));
    assert.deepEqual([error.code, error.serverError], ["server_refused", "invalid_client_metadata"]);
  });

  it("is unsupported where the server has no place for it", async () => {
    const { issuer, sent } = stub(json({}));
    assert.equal((await failureOf(registerClient(issuer, wanted))).code, "unsupported");
    assert.deepEqual(sent, []);
  });
});

describe("the management of a registration", () => {
  it("sends the whole metadata with a change, and nothing that is the server's own (G8)", async () => {
    const { issuer, bodies, sent } = recording((_, body) => json(body));
    const everything = {
      client_name: "two",
      redirect_uris: ["http://127.0.0.1/"],
      client_id: "other",
      client_secret: "other",
      client_secret_expires_at: 0,
      client_id_issued_at: 1,
      registration_access_token: "rat-canary",
      registration_client_uri: "https://as.test/register/c1",
    };
    await updateRegistration(issuer, before, everything);
    assert.deepEqual(bodies, [{
      client_name: "two",
      redirect_uris: ["http://127.0.0.1/"],
      client_id: "c1",
      client_secret: "secret-canary",
    }]);
    const { url, method, headers } = sent[0];
    assert.deepEqual([url, method], ["https://as.test/register/c1", "PUT"]);
    assert.equal(headers.get("authorization"), "Bearer rat-canary");
  });

  it("takes a new secret and a new access token in place of the old ones at once (G7)", async () => {
    const renewed = {
      client_id: "c1",
      client_secret: "new-secret",
      client_secret_expires_at: 0,
      registration_access_token: "new-rat",
      client_name: "two",
    };
    for (const work of [readRegistration, updateRegistration]) {
      const { issuer } = recording(() => json(renewed));
      assert.deepEqual(await work(issuer, before, {}), {
        clientId: "c1",
        clientSecret: "new-secret",
        metadata: { client_name: "two" },
        registrationClientUri: "https://as.test/register/c1",
        registrationAccessToken: "new-rat",
      });
    }
  });

  it("keeps what the answer leaves out", async () => {
    const { issuer } = recording(() => json({ client_id: "c1", client_name: "two" }));
    assert.deepEqual(await readRegistration(issuer, before), { ...before, metadata: { client_name: "two" } });
  });

  it("refuses an answer about another client", async () => {
    const { issuer } = recording(() => json({ client_id: "c2", client_secret: "other-canary" }));
    for (const work of [readRegistration, updateRegistration]) {
      const error = await failureOf(work(issuer, before, {}));
      assert.equal(error.code, "invalid_response");
      assertHides(error, "other-canary", "rat-canary", "secret-canary");
    }
  });

  it("counts a client as deleted that is gone already", async () => {
    for (const status of [204, 200, 404]) {
      const { issuer, sent } = recording(() => new Response(null, { status }));
      await deleteRegistration(issuer, before);
      assert.deepEqual([sent[0].method, sent[0].url], ["DELETE", before.registrationClientUri]);
    }
  });

  it("does not count it as deleted when the server refuses, or cannot do it now", async () => {
    for (
      const [status, code] of [[401, "server_refused"], [405, "server_refused"], [
        503,
        "unavailable",
      ]] as const
    ) {
      const { issuer } = recording(() => json({}, status));
      const error = await failureOf(deleteRegistration(issuer, before));
      assert.deepEqual([error.code, error.status], [code, status]);
    }
  });

  it("sends its access token to https only, without a word of it when it does not fit (C1, G9)", async () => {
    const { issuer, sent } = recording(() => json({ client_id: "c1" }));
    const open = { ...before, registrationClientUri: "http://as.test/register/c1" };
    assert.equal((await failureOf(readRegistration(issuer, open))).code, "insecure_url");
    const odd = { ...before, registrationAccessToken: "rat-canary\nx" };
    const error = await failureOf(readRegistration(issuer, odd));
    assert.equal(error.code, "invalid_argument");
    assertHides(error, "rat-canary");
    assert.deepEqual(sent, []);
  });

  it("does not show an access token that the server quotes (G9)", async () => {
    const { issuer } = recording(() =>
      json({ error: "invalid_token", error_description: "no: rat-canary" }, 401)
    );
    assertHides(await failureOf(readRegistration(issuer, before)), "rat-canary");
    assertHides(await failureOf(deleteRegistration(issuer, before)), "rat-canary");
  });
});
