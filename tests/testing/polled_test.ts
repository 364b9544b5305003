import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { claimsOf } from "../jwt.ts";
import { type AuthorizationServer, authorizationServer } from "../../lib/testing/mod.ts";
import { fakeClock } from "../fake_clock.ts";
import { basic, CHALLENGE, DEVICE_CODE, get, post, VERIFIER } from "./support.ts";

async function start(server: AuthorizationServer, more: Record<string, string> = {}) {
  return (await post(server, "/device_authorization", { client_id: "app", scope: "openid", ...more })).json;
}

async function poll(server: AuthorizationServer, device_code: string, more: Record<string, string> = {}) {
  const { json } = await post(server, "/token", {
    grant_type: DEVICE_CODE,
    client_id: "app",
    device_code,
    ...more,
  });
  return json.error ?? "tokens";
}

describe("the device grant", () => {
  it("answers as RFC 8628 section 3.2 says", async () => {
    const server = await authorizationServer({ deviceCodeLifetime: 300, interval: 7 });
    const answer = await start(server);
    assert.match(answer.user_code, /^[B-Z]{4}-[B-Z]{4}$/);
    assert.equal(answer.verification_uri, "https://as.test/device");
    assert.equal(answer.verification_uri_complete, `https://as.test/device?user_code=${answer.user_code}`);
    assert.deepEqual([answer.expires_in, answer.interval], [300, 7]);
    assert.deepEqual(server.waiting, [
      { code: answer.device_code, userCode: answer.user_code, clientId: "app", scope: "openid" },
    ]);
    assert.equal((await get(server, answer.verification_uri_complete)).status, 200);
  });

  it("paces polls: too early means slow_down, and five seconds more from then on", async () => {
    const clock = fakeClock();
    const server = await authorizationServer({ clock });
    const { device_code } = await start(server);
    const answers = [];
    for (const pause of [0, 5_000, 4_999, 9_999, 15_000, 15_000]) {
      await clock.advance(pause);
      answers.push(await poll(server, device_code));
    }
    assert.deepEqual(answers, [
      "authorization_pending",
      "authorization_pending",
      "slow_down",
      "slow_down",
      "authorization_pending",
      "authorization_pending",
    ]);
  });

  it("gives the tokens of whoever approved, once", async () => {
    const clock = fakeClock();
    const server = await authorizationServer({ clock });
    const { device_code, user_code } = await start(server);
    server.approveDevice(user_code.toLowerCase().replace("-", " "), "grace");
    assert.deepEqual(server.waiting, []);
    assert.equal(await poll(server, device_code), "tokens");
    assert.equal(server.families[0].subject, "grace");
    await clock.advance(5_000);
    assert.equal(await poll(server, device_code), "invalid_grant");
  });

  it("says no, and says when the time is over", async () => {
    const clock = fakeClock();
    const server = await authorizationServer({ clock, deviceCodeLifetime: 60 });
    const denied = await start(server);
    server.denyDevice(denied.user_code);
    assert.equal(await poll(server, denied.device_code), "access_denied");
    const expired = await start(server);
    server.expireDevice(expired.user_code);
    assert.equal(await poll(server, expired.device_code), "expired_token");
    const late = await start(server);
    await clock.advance(60_000);
    assert.equal(await poll(server, late.device_code), "expired_token");
  });

  it("knows only its codes, and whose they are", async () => {
    const server = await authorizationServer({ clients: [{ clientId: "app" }, { clientId: "thief" }] });
    const { device_code, user_code } = await start(server);
    server.approveDevice(user_code);
    assert.equal(await poll(server, "x"), "invalid_grant");
    assert.equal(await poll(server, device_code, { client_id: "thief" }), "invalid_grant");
    assert.throws(() => server.approveDevice("XXXX-XXXX"), { code: "invalid_argument" });
  });

  it("checks PKCE when it was asked for, and can insist on it", async () => {
    const clock = fakeClock();
    const server = await authorizationServer({ clock, requireDevicePkce: true });
    assert.equal((await start(server)).error, "invalid_request");
    const plain = { code_challenge: VERIFIER, code_challenge_method: "plain" };
    assert.equal((await start(server, plain)).error, "invalid_request");
    const { device_code, user_code } = await start(server, CHALLENGE);
    server.approveDevice(user_code);
    const answers = [await poll(server, device_code)];
    await clock.advance(5_000);
    answers.push(await poll(server, device_code, { code_verifier: VERIFIER.replace("d", "e") }));
    await clock.advance(5_000);
    answers.push(await poll(server, device_code, { code_verifier: VERIFIER }));
    assert.deepEqual(answers, ["invalid_grant", "invalid_grant", "tokens"]);
  });

  it("is for known clients, with scopes that there are", async () => {
    const server = await authorizationServer({
      scopesSupported: ["openid", "roles"],
      clients: [{ clientId: "app", scope: "openid" }, { clientId: "no", grants: [] }],
    });
    assert.equal((await start(server, { client_id: "nobody" })).error, "invalid_client");
    assert.equal((await start(server, { client_id: "no" })).error, "unauthorized_client");
    for (const scope of ["openid x", "roles", 'a"b']) {
      assert.equal((await start(server, { scope })).error, "invalid_scope", scope);
    }
  });
});

describe("CIBA", () => {
  const CIBA = "urn:openid:params:grant-type:ciba";
  const credentials = basic("service", "service-secret");
  const begin = async (
    server: AuthorizationServer,
    more: Record<string, string> = {},
    headers = credentials,
  ) =>
    (await post(server, "/backchannel", { scope: "openid", login_hint: "ada@example.org", ...more }, headers))
      .json;
  const check = async (server: AuthorizationServer, auth_req_id: string) =>
    (await post(server, "/token", { grant_type: CIBA, auth_req_id }, credentials)).json;

  it("asks who is hinted at, paces polls, and gives tokens once", async () => {
    const clock = fakeClock();
    const server = await authorizationServer({ clock });
    const { auth_req_id, expires_in, interval } = await begin(server, { binding_message: "AB-12" });
    assert.deepEqual([expires_in, interval, server.waiting[0].bindingMessage], [600, 5, "AB-12"]);
    assert.equal((await check(server, auth_req_id)).error, "authorization_pending");
    assert.equal((await check(server, auth_req_id)).error, "slow_down");
    server.approveBackchannel(auth_req_id);
    await clock.advance(10_000);
    assert.equal(claimsOf((await check(server, auth_req_id)).id_token).sub, "ada");
    await clock.advance(10_000);
    assert.equal((await check(server, auth_req_id)).error, "invalid_grant");
  });

  it("says no, and says when the time is over", async () => {
    const server = await authorizationServer();
    const [denied, expired] = [await begin(server), await begin(server, { requested_expiry: "30" })];
    server.denyBackchannel(denied.auth_req_id);
    assert.equal(expired.expires_in, 30);
    server.expireBackchannel(expired.auth_req_id);
    assert.equal((await check(server, denied.auth_req_id)).error, "access_denied");
    assert.equal((await check(server, expired.auth_req_id)).error, "expired_token");
  });

  it("refuses requests that break its rules", async () => {
    const server = await authorizationServer();
    for (
      const [parameters, error] of [
        [{ login_hint: "nobody" }, "unknown_user_id"],
        [{ login_hint: "" }, "invalid_request"],
        [{ id_token_hint: "a.b.c" }, "invalid_request"],
        [{ scope: "roles" }, "invalid_scope"],
        [{ binding_message: "x".repeat(41) }, "invalid_binding_message"],
        [{ requested_expiry: "-1" }, "invalid_request"],
      ] as [Record<string, string>, string][]
    ) {
      assert.equal((await begin(server, parameters)).error, error, JSON.stringify(parameters));
    }
    const asPublic = await post(server, "/backchannel", {
      client_id: "app",
      scope: "openid",
      login_hint: "ada",
    });
    assert.equal(asPublic.json.error, "unauthorized_client");
    const clients = [{ clientId: "service", secret: "service-secret", grants: ["client_credentials"] }];
    assert.equal((await begin(await authorizationServer({ clients }))).error, "unauthorized_client");
  });
});
