import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { passwordGrant } from "../../../lib/oauth/grants/password.ts";
import { app, assertHides, failureOf, json, type Reply, stub, tokens, world } from "../support.ts";

const ada = { username: "ada", password: "lovelace" };

describe("the password grant", () => {
  it("gets a token for the person, and an ID token about them", async () => {
    const { server, issuer } = await world();
    const { claims, refreshToken } = await passwordGrant(issuer, app, { ...ada, scope: "openid" });
    assert.equal(claims?.sub, "ada");
    assert.ok(refreshToken);
    const { parameters } = server.requests[0];
    assert.deepEqual(Object.fromEntries(parameters), {
      ...{ scope: "openid", username: "ada", password: "lovelace" },
      ...{ grant_type: "password", client_id: "app" },
    });
  });

  it("sends name and password as they are", async () => {
    const { issuer, sent } = stub(json(tokens()));
    const odd = { username: "ada@example.org", password: "a b&c=d%+é \u{1f511}" };
    await passwordGrant(issuer, app, { ...odd, extra: { username: "eve", password: "eve" } });
    assert.deepEqual(sent[0].form.getAll("username"), [odd.username]);
    assert.deepEqual(sent[0].form.getAll("password"), [odd.password]);
  });

  it("says no in the server's words", async () => {
    const { issuer, server } = await world();
    const error = await failureOf(passwordGrant(issuer, app, { ...ada, password: "password-canary" }));
    assert.equal(error.code, "server_refused");
    assert.equal(error.serverError, "invalid_grant");
    assert.equal(server.count("token"), 1);
    assertHides(error, "password-canary");
  });

  for (
    const reply of [
      new Response("", { status: 503 }),
      new TypeError("fetch failed"),
      new Response("", { status: 429 }),
    ] as Reply[]
  ) {
    const what = reply instanceof Response ? reply.status : "a broken connection";
    it(`is sent once, also after ${what}: each try may count towards a lock of the account`, async () => {
      const { issuer, sent } = stub(reply);
      assert.ok((await failureOf(passwordGrant(issuer, app, ada))).retryable);
      assert.equal(sent.length, 1);
    });
  }
});
