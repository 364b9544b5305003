import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { claimsOf } from "../jwt.ts";
import { type AuthorizationServer, authorizationServer } from "../../lib/testing/mod.ts";
import { fakeClock } from "../fake_clock.ts";
import { answerOf, basic, DEVICE_CODE, get, post } from "./support.ts";

const refresh = (server: AuthorizationServer, path: string, token: unknown) =>
  post(server, path, { grant_type: "refresh_token", client_id: "app", refresh_token: String(token) });

describe("a server like INDIGO IAM", () => {
  const iam = { flavor: "indigo-iam", issuer: "https://iam.test" } as const;

  it("ends its issuer with a slash, while access tokens carry it as configured", async () => {
    const server = await authorizationServer(iam);
    assert.equal(server.issuer, "https://iam.test/");
    const { json } = await get(server, "/.well-known/openid-configuration");
    assert.equal(json.issuer, "https://iam.test/");
    const { access_token, id_token } = await server.issue();
    assert.equal(claimsOf(String(access_token)).iss, "https://iam.test");
    assert.equal(claimsOf(String(id_token)).iss, "https://iam.test/");
  });

  it("has no PAR, DPoP and CIBA, and its own paths", async () => {
    const server = await authorizationServer(iam);
    const { json } = await get(server, "/.well-known/openid-configuration");
    for (const name of ["pushed_authorization_request", "backchannel_authentication"]) {
      assert.equal(json[`${name}_endpoint`], undefined);
    }
    assert.equal(json.dpop_signing_alg_values_supported, undefined);
    assert.equal(json.device_authorization_endpoint, "https://iam.test/devicecode");
    assert.equal(json.registration_endpoint, "https://iam.test/iam/api/client-registration");
    assert.equal((await post(server, "/par", { client_id: "app" })).status, 404);
    const parameters = { grant_type: "client_credentials" };
    const headers = { ...basic("service", "service-secret"), dpop: "whatever" };
    assert.equal((await post(server, "/token", parameters, headers)).json.token_type, "Bearer");
  });

  it("tells no interval, never asks to slow down, and puts the device code in its texts", async () => {
    const server = await authorizationServer(iam);
    const { json } = await post(server, "/devicecode", { client_id: "app" });
    assert.equal("interval" in json, false);
    const poll = () =>
      post(server, "/token", { grant_type: DEVICE_CODE, client_id: "app", device_code: json.device_code });
    await poll();
    const { json: pending } = await poll();
    assert.equal(pending.error, "authorization_pending");
    assert.equal(pending.error_description, `Authorization pending for code: ${json.device_code}`);
    server.expireDevice(json.user_code);
    assert.ok((await poll()).json.error_description.endsWith(json.device_code));
  });

  it("answers 404 to unknown clients at the device endpoint, and invalid_client without the grant", async () => {
    const server = await authorizationServer({ ...iam, clients: [{ clientId: "app", grants: [] }] });
    assert.equal((await post(server, "/devicecode", { client_id: "nobody" })).status, 404);
    const { status, json } = await post(server, "/devicecode", { client_id: "app" });
    assert.deepEqual([status, json.error], [401, "invalid_client"]);
  });

  it("gives refresh tokens for offline_access, and the same one again", async () => {
    const server = await authorizationServer(iam);
    assert.equal((await server.issue()).refresh_token, undefined);
    const { refresh_token } = await server.issue({ scope: "openid offline_access" });
    const { json } = await refresh(server, "/token", refresh_token);
    assert.equal(json.refresh_token, refresh_token);
  });

  it("does not end the family when it rotates and a token comes back", async () => {
    const server = await authorizationServer({ ...iam, refreshTokens: "rotate-strict" });
    const { refresh_token } = await server.issue({ scope: "openid offline_access" });
    const { json: { refresh_token: next } } = await refresh(server, "/token", refresh_token);
    assert.equal((await refresh(server, "/token", refresh_token)).json.error, "invalid_grant");
    assert.equal((await refresh(server, "/token", next)).status, 200);
  });

  it("refuses a resource at refresh that was not asked for before, while audience is free", async () => {
    const server = await authorizationServer(iam);
    const { refresh_token } = await server.issue({ scope: "openid offline_access" });
    const ask = (more: Record<string, string>) =>
      post(server, "/token", {
        grant_type: "refresh_token",
        client_id: "app",
        refresh_token: String(refresh_token),
        ...more,
      });
    assert.equal((await ask({ resource: "https://a.test/" })).json.error, "invalid_target");
    assert.equal(claimsOf((await ask({ audience: "a" })).json.access_token).aud, "a");
  });

  it("registers by its own rules", async () => {
    const server = await authorizationServer({
      ...iam,
      scopesSupported: ["openid", "profile", "offline_access"],
    });
    const register = async (body: unknown, headers: Record<string, string> = {}) =>
      await answerOf(
        await server.fetch("https://iam.test/iam/api/client-registration", {
          method: "POST",
          headers: { "content-type": "application/json", ...headers },
          body: JSON.stringify(body),
        }),
      );
    const device = { grant_types: [DEVICE_CODE], scope: "openid offline_access admin" };
    const { status, json } = await register(device);
    assert.deepEqual([status, json.scope, json.grant_types], [
      201,
      "openid offline_access",
      [DEVICE_CODE, "refresh_token"],
    ]);
    assert.ok(json.registration_access_token);
    assert.match((await register({})).json.error, / /);
    assert.equal((await register({ ...device, grant_types: ["password"] })).status, 400);
    const owned = await register(device, { authorization: "Bearer somebody" });
    assert.equal(owned.json.registration_access_token, undefined);
  });
});

describe("a server like Keycloak", () => {
  const keycloak = { flavor: "keycloak", issuer: "https://kc.test/realms/one" } as const;
  const path = "/protocol/openid-connect/token";

  it("has its own paths, and access tokens of type JWT", async () => {
    const server = await authorizationServer(keycloak);
    const { json } = await get(server, "/realms/one/.well-known/openid-configuration");
    assert.equal(json.token_endpoint, "https://kc.test/realms/one/protocol/openid-connect/token");
    const { access_token } = await server.issue();
    assert.equal(JSON.parse(atob(String(access_token).split(".")[0])).typ, "JWT");
  });

  it("tells when refresh tokens end, and gives another one that does not replace the old", async () => {
    const server = await authorizationServer(keycloak);
    const first = await server.issue();
    assert.equal(first.refresh_expires_in, 2_592_000);
    assert.equal(first["not-before-policy"], 0);
    const { json } = await refresh(server, path, first.refresh_token);
    assert.notEqual(json.refresh_token, first.refresh_token);
    assert.equal((await refresh(server, path, first.refresh_token)).status, 200);
    assert.equal((await refresh(server, path, json.refresh_token)).status, 200);
  });

  it("says Session not active once the session is over", async () => {
    const server = await authorizationServer(keycloak);
    const { refresh_token } = await server.issue();
    server.revokeSession("ada");
    const { json } = await refresh(server, path, refresh_token);
    assert.deepEqual(json, { error: "invalid_grant", error_description: "Session not active" });
  });

  it("gives a refresh token beside an access token in an exchange", async () => {
    const server = await authorizationServer(keycloak);
    const type = "urn:ietf:params:oauth:token-type:";
    const { access_token } = await server.issue();
    const { json } = await post(server, path, {
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token: String(access_token),
      subject_token_type: `${type}access_token`,
      requested_token_type: `${type}refresh_token`,
    }, basic("service", "service-secret"));
    assert.equal(claimsOf(json.access_token).sub, "ada");
    assert.ok(json.refresh_token);
  });

  it("ignores resource and audience", async () => {
    const clock = fakeClock();
    const server = await authorizationServer({ ...keycloak, clock });
    const parameters = { grant_type: "client_credentials", resource: "https://a.test/", audience: "b" };
    const { json } = await post(server, path, parameters, basic("service", "service-secret"));
    assert.equal(claimsOf(json.access_token).aud, "https://kc.test/api");
  });
});
