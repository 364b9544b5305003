import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AuthorizationServer, authorizationServer } from "../../lib/testing/mod.ts";
import { answerOf, basic, DEVICE_CODE, post } from "./support.ts";

async function send(
  server: AuthorizationServer,
  method: string,
  url: string,
  body?: unknown,
  token?: string,
) {
  const headers = {
    ...(body === undefined ? {} : { "content-type": "application/json" }),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  return await answerOf(
    await server.fetch(url, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) }),
  );
}

const register = (server: AuthorizationServer, body: unknown, token?: string) =>
  send(server, "POST", "https://as.test/register", body, token);

const device = { grant_types: [DEVICE_CODE], token_endpoint_auth_method: "none", scope: "openid" };

describe("registration", () => {
  it("makes a client of what was asked for", async () => {
    const server = await authorizationServer();
    const { status, json } = await register(server, device);
    assert.equal(status, 201);
    assert.equal("client_secret" in json, false);
    assert.deepEqual(json.grant_types, [DEVICE_CODE]);
    assert.ok(server.clientIds.includes(json.client_id));
    const parameters = { client_id: json.client_id, scope: "openid" };
    assert.equal((await post(server, "/device_authorization", parameters)).status, 200);
    const wrongGrant = { grant_type: "password", client_id: json.client_id };
    assert.equal((await post(server, "/token", wrongGrant)).json.error, "unauthorized_client");
  });

  it("gives a secret that does not expire to those who need one", async () => {
    const server = await authorizationServer();
    const { json } = await register(server, { grant_types: ["client_credentials"] });
    assert.deepEqual([json.token_endpoint_auth_method, json.client_secret_expires_at], [
      "client_secret_basic",
      0,
    ]);
    const credentials = basic(json.client_id, json.client_secret);
    assert.equal(
      (await post(server, "/token", { grant_type: "client_credentials" }, credentials)).status,
      200,
    );
  });

  it("refuses metadata that make no sense", async () => {
    const server = await authorizationServer();
    for (
      const [body, error] of [
        [[], "invalid_client_metadata"],
        [{ ...device, grant_types: "x" }, "invalid_client_metadata"],
        [{ ...device, token_endpoint_auth_method: "x" }, "invalid_client_metadata"],
        [{ ...device, token_endpoint_auth_method: "private_key_jwt" }, "invalid_client_metadata"],
        [{ ...device, redirect_uris: ["https://a.test/#b"] }, "invalid_redirect_uri"],
        [{}, "invalid_redirect_uri"],
      ] as const
    ) {
      assert.equal((await register(server, body)).json.error, error, JSON.stringify(body));
    }
  });

  it("is for holders of a token, or for nobody, where that is so", async () => {
    const closed = await authorizationServer({ registration: "token", initialAccessToken: "ticket" });
    assert.equal((await register(closed, device)).status, 401);
    assert.equal((await register(closed, device, "ticket")).status, 201);
    const none = await authorizationServer({ registration: "none" });
    assert.equal((await register(none, device)).status, 404);
  });
});

describe("the management of a registration", () => {
  it("reads, updates with a new access token, and deletes", async () => {
    const server = await authorizationServer();
    const { json: client } = await register(server, { ...device, redirect_uris: ["https://a.test/"] });
    const { client_id, registration_client_uri: uri, registration_access_token: first } = client;
    assert.deepEqual((await send(server, "GET", uri, undefined, first)).json, client);
    const update = { ...device, client_id, redirect_uris: ["https://b.test/"] };
    const { json: updated } = await send(server, "PUT", uri, update, first);
    assert.deepEqual(updated.redirect_uris, ["https://b.test/"]);
    const second = updated.registration_access_token;
    assert.notEqual(second, first);
    assert.equal((await send(server, "GET", uri, undefined, first)).status, 401);
    const issued = await server.issue({ clientId: client_id });
    assert.equal((await send(server, "DELETE", uri, undefined, second)).status, 204);
    assert.equal((await send(server, "GET", uri, undefined, second)).status, 401);
    assert.equal(server.clientIds.includes(client_id), false);
    assert.equal(server.families[0].revoked, true);
    const refresh = { grant_type: "refresh_token", client_id, refresh_token: String(issued.refresh_token) };
    assert.equal((await post(server, "/token", refresh)).json.error, "invalid_client");
  });

  it("refuses updates with what must not be sent back, or without client_id", async () => {
    const server = await authorizationServer();
    const { json } = await register(server, { grant_types: ["client_credentials"] });
    const { registration_client_uri: uri, registration_access_token: token, client_id } = json;
    const good = { client_id, grant_types: ["client_credentials"] };
    for (
      const bad of [
        json,
        { ...good, client_id: "x" },
        { ...good, client_secret: "x" },
        { ...good, client_id_issued_at: 1 },
        { grant_types: ["client_credentials"] },
      ]
    ) {
      assert.equal((await send(server, "PUT", uri, bad, token)).status, 400);
    }
    const kept = await send(server, "PUT", uri, { ...good, client_secret: json.client_secret }, token);
    assert.equal(kept.json.client_secret, json.client_secret);
  });

  it("knows only clients that registered, and their own tokens", async () => {
    const server = await authorizationServer();
    const { json: one } = await register(server, device);
    const { json: other } = await register(server, device);
    const token = other.registration_access_token;
    assert.equal((await send(server, "DELETE", one.registration_client_uri, undefined, token)).status, 401);
    assert.equal((await send(server, "GET", "https://as.test/register/app", undefined, token)).status, 401);
    assert.equal((await send(server, "PATCH", other.registration_client_uri, {}, token)).status, 405);
  });
});
