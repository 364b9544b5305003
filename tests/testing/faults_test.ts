import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { claimsOf } from "../jwt.ts";
import { authorizationServer } from "../../lib/testing/mod.ts";
import { fakeClock } from "../fake_clock.ts";
import { DEVICE_CODE, get, post } from "./support.ts";

const credentials = {
  grant_type: "client_credentials",
  client_id: "service",
  client_secret: "service-secret",
};
const refresh = (token: unknown) => ({
  grant_type: "refresh_token",
  client_id: "app",
  refresh_token: String(token),
});

describe("a fault", () => {
  for (const at of ["headers", "body"] as const) {
    it(`hangs in the ${at} until the signal aborts, with its reason`, async () => {
      const server = await authorizationServer();
      server.fault("jwks", { type: "hang", at });
      const controller = new AbortController();
      const arrived = server.nextRequest("jwks");
      const read = async () => {
        const response = await server.fetch("https://as.test/jwks", { signal: controller.signal });
        assert.equal(at, "body");
        await response.text();
      };
      const reading = read();
      await arrived;
      const reason = new Error("enough");
      controller.abort(reason);
      await assert.rejects(reading, (error) => error === reason);
    });
  }

  it("breaks the connection before the answer", async () => {
    const server = await authorizationServer();
    server.fault("token", { type: "reset" });
    await assert.rejects(post(server, "/token", credentials), TypeError);
    assert.equal((await post(server, "/token", credentials)).status, 200);
    assert.equal(server.requests[0].status, undefined);
  });

  it("breaks the connection within the body, after the request took effect", async () => {
    const server = await authorizationServer();
    const { refresh_token } = await server.issue();
    server.fault("token", { type: "reset", at: "body" });
    const response = await server.fetch("https://as.test/token", {
      method: "POST",
      body: new URLSearchParams(refresh(refresh_token)),
    });
    assert.equal(response.status, 200);
    await assert.rejects(response.text(), TypeError);
    assert.equal((await post(server, "/token", refresh(refresh_token))).json.error, "invalid_grant");
  });

  it("breaks the connection within a refusal", async () => {
    const server = await authorizationServer();
    server.fault("token", { type: "reset", at: "body" });
    const response = await server.fetch("https://as.test/token", { method: "POST" });
    assert.equal(response.status, 400);
    await assert.rejects(response.text(), TypeError);
    assert.equal(server.requests[0].error, "invalid_request");
  });

  it("answers a status with a body and headers", async () => {
    const server = await authorizationServer();
    const headers = { "retry-after": "7" };
    server.fault("discovery", {
      type: "status",
      status: 503,
      body: "busy",
      headers,
      contentType: "text/html",
    });
    const response = await server.fetch("https://as.test/.well-known/openid-configuration");
    assert.equal(response.status, 503);
    assert.equal(response.headers.get("retry-after"), "7");
    assert.equal(response.headers.get("content-type"), "text/html");
    assert.equal(await response.text(), "busy");
  });

  it("answers a status without a body", async () => {
    const server = await authorizationServer();
    server.fault("revocation", { type: "status", status: 204 });
    const { status, headers } = await post(server, "/revoke", { client_id: "app", token: "x" });
    assert.deepEqual([status, headers.get("content-type")], [204, null]);
  });

  it("answers an OAuth error", async () => {
    const server = await authorizationServer();
    server.fault("token", {
      type: "error",
      error: "server_error",
      description: "no \x1b[2K luck",
      status: 500,
    });
    const { status, json } = await post(server, "/token", credentials);
    assert.deepEqual([status, json], [500, { error: "server_error", error_description: "no \x1b[2K luck" }]);
  });

  it("tells a client to slow down, and holds it to that", async () => {
    const clock = fakeClock();
    const server = await authorizationServer({ clock });
    const { json: { device_code, user_code } } = await post(server, "/device_authorization", {
      client_id: "app",
    });
    const poll = async () => {
      const answer = await post(server, "/token", { grant_type: DEVICE_CODE, client_id: "app", device_code });
      return answer.json.error ?? "tokens";
    };
    server.fault("token", { type: "slow_down" });
    server.approveDevice(user_code);
    const answers = [await poll()];
    await clock.advance(9_999);
    answers.push(await poll());
    await clock.advance(15_000);
    answers.push(await poll());
    assert.deepEqual(answers, ["slow_down", "slow_down", "tokens"]);
  });

  it("answers raw bytes", async () => {
    const server = await authorizationServer();
    const body = new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0xff]);
    server.fault("jwks", {
      type: "body",
      body,
      status: 201,
      headers: { "content-type": "application/jwk-set+json" },
    });
    server.fault("jwks", { type: "body", body: '{"a":1,"a":2}' });
    const bytes = await server.fetch("https://as.test/jwks");
    assert.deepEqual([bytes.status, bytes.headers.get("content-type")], [201, "application/jwk-set+json"]);
    assert.deepEqual(new Uint8Array(await bytes.arrayBuffer()), body);
    const text = await server.fetch("https://as.test/jwks");
    assert.deepEqual([text.status, text.headers.get("content-type")], [200, "application/json"]);
    assert.equal(await text.text(), '{"a":1,"a":2}');
  });

  it("replaces and removes members of the answer, which takes effect all the same", async () => {
    const server = await authorizationServer();
    const members = { expires_in: "3600s", token_type: undefined };
    server.fault("token", { type: "merge", members });
    const { json } = await post(server, "/token", credentials);
    assert.equal(json.expires_in, "3600s");
    assert.equal("token_type" in json, false);
    assert.equal((await get(server, "/api", { authorization: `Bearer ${json.access_token}` })).status, 200);
  });

  it("says so when there are no members to replace", async () => {
    const server = await authorizationServer();
    server.fault("unknown", { type: "merge", members: {} });
    await assert.rejects(get(server, "/nothing"));
  });

  it("sets headers on the answer", async () => {
    const server = await authorizationServer();
    server.fault("token", { type: "header", headers: { "content-type": "text/html", "dpop-nonce": "n" } });
    const { headers, json } = await post(server, "/token", credentials);
    assert.deepEqual([headers.get("content-type"), headers.get("dpop-nonce")], ["text/html", "n"]);
    assert.ok(json.access_token);
  });

  for (const as of ["reset", "hang"] as const) {
    it(`loses the answer after the rotation took place (${as})`, async () => {
      const server = await authorizationServer();
      const { refresh_token } = await server.issue();
      server.fault("token", { type: "drop-answer", as });
      const controller = new AbortController();
      const sending = server.fetch("https://as.test/token", {
        method: "POST",
        body: new URLSearchParams(refresh(refresh_token)),
        signal: controller.signal,
      });
      await server.nextAnswer("token");
      if (as === "hang") controller.abort();
      await assert.rejects(sending, as === "reset" ? TypeError : { name: "AbortError" });
      assert.equal(server.requests[0].status, 200);
      const { json } = await post(server, "/token", refresh(refresh_token));
      assert.equal(json.error, "invalid_grant");
      assert.deepEqual(
        server.families.map(({ presented, reused, revoked }) => [presented, reused, revoked]),
        [
          [2, 1, true],
        ],
      );
    });
  }

  for (const before of ["request", "answer"] as const) {
    it(`waits by the clock before the ${before}`, async () => {
      const clock = fakeClock();
      const server = await authorizationServer({ clock });
      const { refresh_token } = await server.issue();
      server.fault("token", { type: "delay", milliseconds: 2_000, before });
      const slow = post(server, "/token", refresh(refresh_token));
      await clock.untilWaiting();
      const quick = await post(server, "/token", refresh(refresh_token));
      assert.equal(quick.status, before === "request" ? 200 : 400);
      await clock.advance(2_000);
      assert.equal((await slow).status, before === "request" ? 400 : 200);
    });
  }

  it("spoils the ID token: its claims, its header, its signature", async () => {
    const server = await authorizationServer();
    const { refresh_token } = await server.issue();
    let next = refresh_token;
    const idToken = async () => {
      const { json } = await post(server, "/token", refresh(next));
      next = json.refresh_token;
      return json.id_token as string;
    };
    server.fault("token", {
      type: "id_token",
      claims: { aud: "another", sub: undefined },
      header: { kid: "k" },
    });
    const spoiled = await idToken();
    assert.equal(claimsOf(spoiled).aud, "another");
    assert.equal("sub" in claimsOf(spoiled), false);
    assert.match(atob(spoiled.split(".")[0]), /"kid":"k"/);
    const algorithms: string[] = [];
    for (const signature of ["none", "client-secret", "stranger", "garbage"] as const) {
      server.fault("token", { type: "id_token", signature });
      algorithms.push(JSON.parse(atob((await idToken()).split(".")[0])).alg);
    }
    assert.deepEqual(algorithms, ["none", "HS256", "ES256", "ES256"]);
    const hint = { id_token_hint: spoiled };
    assert.equal((await post(server, "/end_session", hint)).status, 200);
    server.fault("token", { type: "id_token", signature: "stranger" });
    assert.equal((await post(server, "/end_session", { id_token_hint: await idToken() })).status, 400);
  });

  it("strikes as often as asked, in order, for its grant, and after others passed", async () => {
    const server = await authorizationServer();
    const { refresh_token } = await server.issue();
    server.fault("token", { type: "status", status: 500 }, { grantType: "refresh_token" });
    server.fault("token", { type: "status", status: 501 }, { times: 2, after: 1 });
    server.fault("token", { type: "status", status: 502 }, { times: Infinity });
    const statuses: number[] = [];
    for (let count = 0; count < 5; count++) statuses.push((await post(server, "/token", credentials)).status);
    assert.deepEqual(statuses, [502, 501, 501, 502, 502]);
    assert.equal((await post(server, "/token", refresh(refresh_token))).status, 500);
    server.clearFaults();
    assert.equal((await post(server, "/token", credentials)).status, 200);
  });
});
