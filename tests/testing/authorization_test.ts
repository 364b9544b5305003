import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { claimsOf } from "../jwt.ts";
import { type AuthorizationServer, authorizationServer, type Decision } from "../../lib/testing/mod.ts";
import { fakeClock } from "../fake_clock.ts";
import { authorizationUrl, basic, CHALLENGE, get, post, REDIRECT_URI, VERIFIER } from "./support.ts";

const asked = { ...CHALLENGE, scope: "openid", state: "xyz" };

async function callback(
  server: AuthorizationServer,
  parameters: Record<string, string> = asked,
  decision?: Decision,
): Promise<URLSearchParams> {
  const answer = await server.authorize(authorizationUrl(server, parameters), decision);
  return new URL(answer).searchParams;
}

async function redeem(server: AuthorizationServer, code: string | null, more: Record<string, string> = {}) {
  const parameters = { grant_type: "authorization_code", client_id: "app", code: code ?? "" };
  return (await post(server, "/token", {
    ...parameters,
    redirect_uri: REDIRECT_URI,
    code_verifier: VERIFIER,
    ...more,
  })).json;
}

describe("the authorization endpoint", () => {
  it("sends the person back with code, state and iss", async () => {
    const server = await authorizationServer();
    const answer = await callback(server);
    assert.deepEqual([...answer.keys()].sort(), ["code", "iss", "state"]);
    assert.deepEqual([answer.get("state"), answer.get("iss")], ["xyz", "https://as.test"]);
    const plain = await callback(await authorizationServer({ issParameter: false }));
    assert.equal(plain.has("iss"), false);
  });

  it("can be visited by anything that follows URLs", async () => {
    const server = await authorizationServer();
    const { status, headers } = await get(server, authorizationUrl(server, asked));
    assert.equal(status, 302);
    assert.ok(new URL(headers.get("location")!).searchParams.get("code"));
  });

  it("sends errors to the redirect URI, with state and iss", async () => {
    const server = await authorizationServer();
    const denied = await callback(server, asked, { deny: true });
    assert.deepEqual([denied.get("error"), denied.get("state"), denied.get("iss")], [
      "access_denied",
      "xyz",
      "https://as.test",
    ]);
    for (
      const [parameters, error] of [
        [{ ...asked, response_type: "token" }, "unsupported_response_type"],
        [{ scope: "openid" }, "invalid_request"],
        [{ ...asked, code_challenge_method: "plain" }, "invalid_request"],
        [{ ...asked, code_challenge: "short" }, "invalid_request"],
        [{ ...asked, response_mode: "fragment" }, "invalid_request"],
        [{ ...asked, resource: "not a URL" }, "invalid_target"],
        [{ ...asked, authorization_details: "{}" }, "invalid_authorization_details"],
      ] as [Record<string, string>, string][]
    ) {
      assert.equal((await callback(server, parameters)).get("error"), error, JSON.stringify(parameters));
    }
  });

  it("shows errors instead when it cannot trust the redirect URI", async () => {
    const server = await authorizationServer({
      clients: [{ clientId: "app", redirectUris: ["http://127.0.0.1/callback", "https://app.test/cb"] }],
    });
    for (
      const parameters of [
        { redirect_uri: "https://evil.test/" },
        { redirect_uri: "http://127.0.0.1:49152/other" },
        { redirect_uri: "http://localhost:49152/callback" },
        { redirect_uri: "https://app.test:444/cb" },
        { redirect_uri: "" },
        { client_id: "nobody" },
      ] as Record<string, string>[]
    ) {
      const url = authorizationUrl(server, { ...asked, ...parameters });
      await assert.rejects(server.authorize(url), { code: "server_refused" }, JSON.stringify(parameters));
    }
    assert.ok((await callback(server)).get("code"));
    assert.ok((await callback(server, { ...asked, redirect_uri: "https://app.test/cb" })).get("code"));
  });

  it("lets an attacker tamper with the answer", async () => {
    const server = await authorizationServer();
    const tamper = { state: "other", iss: "https://evil.test", code: null };
    const answer = await callback(server, asked, { tamper });
    assert.deepEqual([...answer], [["state", "other"], ["iss", "https://evil.test"]]);
  });

  it("answers in one signed JWT when asked", async () => {
    const server = await authorizationServer();
    for (const response_mode of ["jwt", "query.jwt"]) {
      const answer = await callback(server, { ...asked, response_mode });
      const { iss, aud, state, code } = claimsOf(answer.get("response")!);
      assert.deepEqual([iss, aud, state], ["https://as.test", "app", "xyz"]);
      assert.ok((await redeem(server, code)).access_token);
    }
  });
});

describe("a code", () => {
  it("is redeemed by its client, with its redirect URI and its verifier", async () => {
    const server = await authorizationServer({ clients: [{ clientId: "app" }, { clientId: "thief" }] });
    const code = (await callback(server, { ...asked, nonce: "n" }, { subject: "grace" })).get("code");
    for (
      const [change, error] of [
        [{ client_id: "thief" }, "invalid_grant"],
        [{ redirect_uri: "http://127.0.0.1:1/callback" }, "invalid_grant"],
        [{ redirect_uri: "" }, "invalid_grant"],
        [{ code_verifier: "" }, "invalid_grant"],
        [{ code_verifier: VERIFIER.toUpperCase() }, "invalid_grant"],
        [{ code_verifier: "short" }, "invalid_request"],
        [{ code: "x" }, "invalid_grant"],
      ] as [Record<string, string>, string][]
    ) {
      assert.equal((await redeem(server, code, change)).error, error, JSON.stringify(change));
    }
    const { sub, nonce, at_hash } = claimsOf((await redeem(server, code)).id_token);
    assert.deepEqual([sub, nonce], ["grace", "n"]);
    assert.equal(at_hash.length, 22);
  });

  it("ends what it led to when it comes a second time", async () => {
    const server = await authorizationServer();
    const code = (await callback(server)).get("code");
    const { access_token } = await redeem(server, code);
    assert.equal((await redeem(server, code)).error, "invalid_grant");
    assert.equal((await get(server, "/api", { authorization: `Bearer ${access_token}` })).status, 401);
    assert.equal(server.families[0].revoked, true);
  });

  it("is worth nothing after a minute", async () => {
    const clock = fakeClock();
    const server = await authorizationServer({ clock });
    const code = (await callback(server)).get("code");
    await clock.advance(60_000);
    assert.equal((await redeem(server, code)).error, "invalid_grant");
  });

  it("carries the details and the resources that were granted", async () => {
    const server = await authorizationServer();
    const details = [{ type: "test", actions: ["read"] }];
    const answer = await callback(server, {
      ...asked,
      authorization_details: JSON.stringify(details),
      resource: "https://a.test/",
    });
    const code = answer.get("code");
    assert.equal((await redeem(server, code, { resource: "https://b.test/" })).error, "invalid_target");
    const tokens = await redeem(server, code, { resource: "https://a.test/" });
    assert.deepEqual(tokens.authorization_details, details);
    assert.equal(claimsOf(tokens.access_token).aud, "https://a.test/");
  });
});

describe("a pushed request", () => {
  const credentials = basic("service", "service-secret");
  const push = (server: AuthorizationServer, more: Record<string, string> = {}) =>
    post(
      server,
      "/par",
      { ...asked, response_type: "code", redirect_uri: REDIRECT_URI, ...more },
      credentials,
    );
  const visit = (server: AuthorizationServer, request_uri: string, client_id = "service") =>
    server.authorize(`https://as.test/authorize?${new URLSearchParams({ client_id, request_uri })}`);

  it("is redeemed once, by its client, in time", async () => {
    const clock = fakeClock();
    const server = await authorizationServer({ clock });
    const { status, json } = await push(server);
    assert.deepEqual([status, json.expires_in], [201, 90]);
    assert.match(await visit(server, json.request_uri), /[?&]code=/);
    const refused = { code: "server_refused" };
    await assert.rejects(visit(server, json.request_uri), refused);
    await assert.rejects(visit(server, (await push(server)).json.request_uri, "app"), refused);
    const { json: { request_uri } } = await push(server);
    await clock.advance(90_000);
    await assert.rejects(visit(server, request_uri), refused);
  });

  it("is checked when it is pushed", async () => {
    const server = await authorizationServer();
    assert.equal((await push(server, { request_uri: "urn:x" })).json.error, "invalid_request");
    assert.equal((await push(server, { code_challenge: "" })).json.error, "invalid_request");
    const refused = await post(server, "/par", asked, basic("service", "wrong"));
    assert.equal(refused.json.error, "invalid_client");
  });

  it("can be the only way", async () => {
    const everybody = await authorizationServer({ requirePushedAuthorization: true });
    const one = await authorizationServer({
      clients: [{ clientId: "app", requirePushedAuthorization: true }],
    });
    for (const server of [everybody, one]) {
      await assert.rejects(server.authorize(authorizationUrl(server, asked)), { code: "server_refused" });
    }
  });
});
