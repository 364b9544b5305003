import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { claimsOf } from "../jwt.ts";
import { type AuthorizationServer, authorizationServer } from "../../lib/testing/mod.ts";
import { fakeClock } from "../fake_clock.ts";
import { basic, get, post } from "./support.ts";

const bearer = (token: unknown) => ({ authorization: `Bearer ${token}` });
const service = basic("service", "service-secret");

describe("the demo resource", () => {
  it("tells what it was sent, and by whom", async () => {
    const server = await authorizationServer();
    const { access_token } = await server.issue({ scope: "openid roles" });
    const response = await server.fetch("https://as.test/api/items?page=2", {
      method: "POST",
      headers: bearer(access_token),
      body: "hello",
    });
    assert.deepEqual(await response.json(), {
      method: "POST",
      url: "https://as.test/api/items?page=2",
      body: "hello",
      subject: "ada",
      client_id: "app",
      scope: "openid roles",
      audience: ["https://as.test/api"],
    });
    assert.equal(server.count("resource"), 1);
  });

  it("points to its metadata when there is no token", async () => {
    const server = await authorizationServer({ resource: "https://api.test/v1/" });
    const { status, headers } = await get(server, "https://api.test/v1/items");
    const url = "https://api.test/.well-known/oauth-protected-resource/v1/";
    assert.equal(status, 401);
    assert.match(headers.get("www-authenticate")!, /^Bearer .*, DPoP /);
    assert.ok(headers.get("www-authenticate")!.includes(`resource_metadata="${url}"`));
    assert.deepEqual((await get(server, url)).json.resource, "https://api.test/v1/");
  });

  it("refuses tokens that are unknown, expired, revoked or for somebody else", async () => {
    const clock = fakeClock();
    const server = await authorizationServer({ clock });
    const good = await server.issue();
    const revoked = await server.issue({ subject: "grace" });
    server.revokeSession("grace");
    const elsewhere = await server.issue({ audience: ["https://b.test/"] });
    const outcome = async (token: unknown) => {
      const { status, headers } = await get(server, "/api", bearer(token));
      return `${status} ${/error="(\w+)"/.exec(headers.get("www-authenticate") ?? "")?.[1]}`;
    };
    assert.equal(await outcome(good.access_token), "200 undefined");
    for (const token of ["x", revoked.access_token, elsewhere.access_token]) {
      assert.equal(await outcome(token), "401 invalid_token");
    }
    await clock.advance(300_000);
    assert.equal(await outcome(good.access_token), "401 invalid_token");
  });

  it("refuses a token in the URL", async () => {
    const server = await authorizationServer();
    const { access_token } = await server.issue();
    assert.equal((await get(server, `/api?access_token=${access_token}`)).status, 400);
  });

  it("wants its scope", async () => {
    const server = await authorizationServer({ resourceScope: "write" });
    const narrow = await get(server, "/api", bearer((await server.issue()).access_token));
    assert.equal(narrow.status, 403);
    assert.match(narrow.headers.get("www-authenticate")!, /error="insufficient_scope".*scope="write"/);
    const wide = await server.issue({ scope: "read write" });
    assert.equal((await get(server, "/api", bearer(wide.access_token))).status, 200);
  });

  it("refuses a bound token under the scheme Bearer, and an unbound one under DPoP", async () => {
    const server = await authorizationServer();
    const { access_token: bound } = await server.issue({ jkt: "thumbprint" });
    const { access_token: free } = await server.issue();
    assert.equal((await get(server, "/api", bearer(bound))).status, 401);
    assert.equal((await get(server, "/api", { authorization: `DPoP ${free}` })).status, 401);
  });

  it("wants the certificate that a token belongs to", async () => {
    const server = await authorizationServer({
      mtlsAliases: false,
      clients: [{ clientId: "service", certificateThumbprint: "print", certificateBound: true }],
    });
    const certificate = { "x-test-client-certificate": "print" };
    const parameters = { grant_type: "client_credentials", client_id: "service" };
    const { access_token } = (await post(server, "/token", parameters, certificate)).json;
    assert.deepEqual(claimsOf(access_token).cnf, { "x5t#S256": "print" });
    assert.equal((await get(server, "/api", { ...bearer(access_token), ...certificate })).status, 200);
    assert.equal((await get(server, "/api", bearer(access_token))).status, 401);
  });
});

describe("userinfo", () => {
  it("wants openid, and signs when asked", async () => {
    const server = await authorizationServer();
    const plain = await server.issue({ scope: "roles" });
    assert.equal((await get(server, "/userinfo", bearer(plain.access_token))).status, 403);
    const { access_token } = await server.issue();
    assert.equal((await get(server, "/userinfo", bearer(access_token))).json.sub, "ada");
    const response = await server.fetch("https://as.test/userinfo", {
      headers: { ...bearer(access_token), accept: "application/jwt" },
    });
    assert.equal(response.headers.get("content-type"), "application/jwt");
    assert.equal(claimsOf(await response.text()).aud, "app");
  });
});

describe("introspection", () => {
  const introspect = async (server: AuthorizationServer, token: unknown, headers = service) =>
    (await post(server, "/introspect", { token: String(token) }, headers)).json;

  it("tells what a token is good for, as long as it is", async () => {
    const clock = fakeClock();
    const server = await authorizationServer({ clock });
    const { access_token, refresh_token } = await server.issue({ jkt: "thumbprint" });
    const { active, sub, username, scope, cnf, token_type } = await introspect(server, access_token);
    assert.deepEqual([active, sub, username, scope, cnf, token_type], [
      true,
      "ada",
      "ada",
      "openid",
      { jkt: "thumbprint" },
      "DPoP",
    ]);
    await clock.advance(300_000);
    assert.deepEqual(await introspect(server, access_token), { active: false });
    assert.equal((await introspect(server, refresh_token)).active, true);
    const used = await server.issue();
    const refresh = {
      grant_type: "refresh_token",
      client_id: "app",
      refresh_token: String(used.refresh_token),
    };
    const { json: next } = await post(server, "/token", refresh);
    assert.deepEqual(await introspect(server, used.refresh_token), { active: false });
    assert.equal((await introspect(server, next.refresh_token)).active, true);
    server.revokeSession("ada");
    assert.deepEqual(await introspect(server, refresh_token), { active: false });
    assert.deepEqual(await introspect(server, "x"), { active: false });
  });

  it("is for confidential clients", async () => {
    const server = await authorizationServer();
    const { json } = await post(server, "/introspect", { client_id: "app", token: "x" });
    assert.equal(json.error, "invalid_client");
  });
});

describe("revocation", () => {
  it("ends an access token alone, a refresh token with everything, and does not mind unknown ones", async () => {
    const server = await authorizationServer();
    const first = await server.issue();
    const revoke = (token: unknown) => post(server, "/revoke", { client_id: "app", token: String(token) });
    assert.equal((await revoke(first.access_token)).status, 200);
    assert.equal((await get(server, "/api", bearer(first.access_token))).status, 401);
    assert.equal(server.families[0].revoked, false);
    const second = await server.issue();
    await revoke(second.refresh_token);
    assert.equal((await get(server, "/api", bearer(second.access_token))).status, 401);
    assert.equal(server.families[1].revoked, true);
    assert.equal((await revoke("x")).status, 200);
  });

  it("is for the client that has the token", async () => {
    const server = await authorizationServer();
    const { refresh_token } = await server.issue();
    const { status } = await post(server, "/revoke", { token: String(refresh_token) }, service);
    assert.deepEqual([status, server.families[0].revoked], [400, false]);
  });
});

describe("the end of a session", () => {
  const end = async (server: AuthorizationServer, parameters: Record<string, unknown>) => {
    const query = new URLSearchParams(parameters as Record<string, string>);
    const { status, headers } = await get(server, `/end_session?${query}`);
    return { status, location: headers.get("location") };
  };

  it("ends the tokens of its sign-in and sends the person back", async () => {
    const clock = fakeClock();
    const server = await authorizationServer({ clock });
    const [one, other] = [await server.issue(), await server.issue()];
    await clock.advance(3_600_000);
    const post_logout_redirect_uri = "https://app.test/bye";
    const answer = await end(server, { id_token_hint: one.id_token, post_logout_redirect_uri, state: "s" });
    assert.deepEqual(answer, { status: 302, location: "https://app.test/bye?state=s" });
    assert.deepEqual(server.families.map(({ revoked }) => revoked), [true, false]);
    assert.ok(other.refresh_token);
  });

  it("refuses forged hints, other clients and addresses that it does not know", async () => {
    const server = await authorizationServer({
      clients: [{ clientId: "app", postLogoutRedirectUris: ["https://app.test/bye"] }],
    });
    const { id_token } = await server.issue();
    const forged = (await (await authorizationServer()).issue()).id_token;
    for (
      const parameters of [
        { id_token_hint: forged },
        { id_token_hint: id_token, client_id: "other" },
        { id_token_hint: id_token, post_logout_redirect_uri: "https://evil.test/" },
        { post_logout_redirect_uri: "https://app.test/bye" },
      ]
    ) {
      assert.equal((await end(server, parameters)).status, 400);
    }
    assert.equal((await end(server, {})).status, 200);
  });
});
