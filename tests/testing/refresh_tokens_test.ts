import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { claimsOf } from "../jwt.ts";
import { type AuthorizationServer, authorizationServer } from "../../lib/testing/mod.ts";
import { fakeClock } from "../fake_clock.ts";
import { authorizationUrl, CHALLENGE, get, post, REDIRECT_URI, VERIFIER } from "./support.ts";

function refresh(server: AuthorizationServer, token: unknown, more: Record<string, string> = {}) {
  const parameters = { grant_type: "refresh_token", client_id: "app", refresh_token: String(token), ...more };
  return post(server, "/token", parameters);
}

const statistics = (server: AuthorizationServer) =>
  server.families.map(({ presented, reused, revoked }) => ({ presented, reused, revoked }));

describe("strict rotation", () => {
  it("gives a new refresh token each time and takes each once", async () => {
    const server = await authorizationServer();
    let { refresh_token: token } = await server.issue();
    const seen = new Set([token]);
    for (let count = 0; count < 3; count++) {
      const { status, json } = await refresh(server, token);
      assert.equal(status, 200);
      seen.add(token = json.refresh_token);
    }
    assert.equal(seen.size, 4);
    assert.deepEqual(statistics(server), [{ presented: 3, reused: 0, revoked: false }]);
  });

  it("ends the whole family when a token comes back: its successors and its access tokens", async () => {
    const server = await authorizationServer();
    const { refresh_token } = await server.issue();
    const second = (await refresh(server, refresh_token)).json;
    const other = (await server.issue()).refresh_token;
    assert.equal((await refresh(server, refresh_token)).json.error, "invalid_grant");
    assert.equal((await refresh(server, second.refresh_token)).json.error, "invalid_grant");
    assert.equal((await get(server, "/api", { authorization: `Bearer ${second.access_token}` })).status, 401);
    assert.equal((await refresh(server, other)).status, 200);
    assert.deepEqual(statistics(server), [
      { presented: 3, reused: 1, revoked: true },
      { presented: 1, reused: 0, revoked: false },
    ]);
  });

  it("lets exactly one of many simultaneous refreshes through", async () => {
    const server = await authorizationServer();
    const { refresh_token } = await server.issue();
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(server, refresh_token)));
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    assert.deepEqual(statistics(server), [{ presented: 20, reused: 19, revoked: true }]);
  });

  it("takes a token again as often as maxReuse says", async () => {
    const server = await authorizationServer({ maxReuse: 1 });
    const { refresh_token } = await server.issue();
    const statuses = [];
    for (let count = 0; count < 3; count++) statuses.push((await refresh(server, refresh_token)).status);
    assert.deepEqual(statuses, [200, 200, 400]);
  });
});

describe("rotation with grace", () => {
  it("takes the previous token again for a while, and not one older", async () => {
    const clock = fakeClock();
    const server = await authorizationServer({ refreshTokens: "rotate-grace", graceSeconds: 10, clock });
    const { refresh_token: first } = await server.issue();
    const { refresh_token: second } = (await refresh(server, first)).json;
    await clock.advance(10_000);
    const again = await refresh(server, first);
    assert.equal(again.status, 200);
    assert.notEqual(again.json.refresh_token, second);
    assert.equal((await refresh(server, second)).status, 200);
    assert.equal((await refresh(server, first)).status, 400);
    assert.deepEqual(statistics(server), [{ presented: 4, reused: 2, revoked: true }]);
  });

  it("ends the family when the previous token comes too late", async () => {
    const clock = fakeClock();
    const server = await authorizationServer({ refreshTokens: "rotate-grace", graceSeconds: 10, clock });
    const { refresh_token: first } = await server.issue();
    const { refresh_token: second } = (await refresh(server, first)).json;
    await clock.advance(10_001);
    assert.equal((await refresh(server, first)).status, 400);
    assert.equal((await refresh(server, second)).status, 400);
  });
});

describe("refresh tokens", () => {
  it("stay the same without rotation, and the answer has none", async () => {
    const server = await authorizationServer({ refreshTokens: "reuse" });
    const { refresh_token } = await server.issue();
    const answers = [await refresh(server, refresh_token), await refresh(server, refresh_token)];
    assert.deepEqual(answers.map(({ status, json }) => [status, json.refresh_token]), [[200, undefined], [
      200,
      undefined,
    ]]);
    assert.deepEqual(statistics(server), [{ presented: 2, reused: 0, revoked: false }]);
  });

  it("are not given where there are none", async () => {
    const server = await authorizationServer({ refreshTokens: "none" });
    assert.equal((await server.issue()).refresh_token, undefined);
    assert.deepEqual(server.families, []);
  });

  it("run out, and end with the session", async () => {
    const clock = fakeClock();
    const server = await authorizationServer({ refreshTokenLifetime: 60, clock });
    const { refresh_token } = await server.issue();
    const { refresh_token: other } = await server.issue({ subject: "grace" });
    server.revokeSession("ada");
    assert.equal((await refresh(server, refresh_token)).json.error, "invalid_grant");
    await clock.advance(60_000);
    assert.equal((await refresh(server, other)).json.error, "invalid_grant");
    assert.deepEqual(statistics(server).map(({ revoked }) => revoked), [true, false]);
  });

  it("belong to one client", async () => {
    const server = await authorizationServer({ clients: [{ clientId: "app" }, { clientId: "thief" }] });
    const { refresh_token } = await server.issue({ clientId: "app" });
    assert.equal((await refresh(server, refresh_token, { client_id: "thief" })).json.error, "invalid_grant");
    assert.equal((await refresh(server, refresh_token)).status, 200);
  });

  it("give less scope when asked, never more, and a refusal costs nothing", async () => {
    const server = await authorizationServer();
    const { refresh_token } = await server.issue({ scope: "openid roles" });
    assert.equal(
      (await refresh(server, refresh_token, { scope: "openid admin" })).json.error,
      "invalid_scope",
    );
    const { json } = await refresh(server, refresh_token, { scope: "openid" });
    assert.equal(json.scope, "openid");
    assert.equal((await refresh(server, json.refresh_token)).json.scope, "openid roles");
  });

  it("bring an ID token of the same sign-in, without its nonce", async () => {
    const clock = fakeClock();
    const server = await authorizationServer({ clock });
    const asked = { ...CHALLENGE, scope: "openid", nonce: "n" };
    const callback = new URL(await server.authorize(authorizationUrl(server, asked)));
    const redemption = { grant_type: "authorization_code", client_id: "app", code_verifier: VERIFIER };
    const code = callback.searchParams.get("code")!;
    const { json: issued } = await post(server, "/token", {
      ...redemption,
      code,
      redirect_uri: REDIRECT_URI,
    });
    const first = claimsOf(issued.id_token);
    assert.equal(first.nonce, "n");
    await clock.advance(60_000);
    const later = claimsOf((await refresh(server, issued.refresh_token)).json.id_token);
    assert.deepEqual([later.sub, later.auth_time, later.sid], [first.sub, first.auth_time, first.sid]);
    assert.equal(later.iat, first.iat + 60);
    assert.equal("nonce" in later, false);
  });
});
