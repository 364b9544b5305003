import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { signAssertion } from "../../lib/oauth/grants/assertion.ts";
import {
  readRefreshAnswer,
  type RefreshedSession,
  showsTokens,
} from "../../lib/oauth/grants/refresh_token_steps.ts";
import { generateSigningKey } from "../../lib/oauth/signing_key.ts";
import { app, assertHides, json, stub, tokens } from "./support.ts";

describe("a success that nobody can read", () => {
  const shows = (text: string) => showsTokens(new TextEncoder().encode(text));

  it("shows that the request was carried out when it begins like an answer with tokens", () => {
    assert.ok(shows('{"access_token":"abc'));
    assert.ok(shows(' {\n "token_type": "Bearer", "refresh_token": "r"'));
  });

  it("shows nothing when somebody in between has spoken, or nobody", () => {
    for (const text of ["", "{", "<html>access_token</html>", '["access_token"]', '{"error":"x"}']) {
      assert.ok(!shows(text), text);
    }
  });
});

describe("an answer to a refresh token that is read later", () => {
  const old = { refreshToken: "old-refresh-canary", scope: "openid a" };

  async function read(members: Record<string, unknown>, session: RefreshedSession = old) {
    const key = await generateSigningKey();
    const { issuer, clock } = stub(json({ keys: [key.publicJwk] }), {
      metadata: { id_token_signing_alg_values_supported: ["ES256"] },
    });
    const about = { issuer: issuer.issuer, subject: "ada", audience: "app", now: clock.now() / 1000 };
    const id_token = await signAssertion(key, about);
    return await readRefreshAnswer(issuer, app, session, {
      url: "https://as.test/token",
      status: 200,
      contentType: "application/json",
      body: new TextEncoder().encode(
        JSON.stringify({ ...members, ...(members.id_token ? { id_token } : {}) }),
      ),
      sentAt: clock.now(),
      receivedAt: clock.now(),
    });
  }

  it("has the tokens, the scope of the sign-in, and the old refresh token where no new one came", async () => {
    const { refreshToken, tokens: found, error } = await read(tokens());
    assert.deepEqual([refreshToken, found?.scope, error], [old.refreshToken, old.scope, undefined]);
    assert.equal((await read(tokens({ refresh_token: "new" }))).refreshToken, "new");
  });

  it("says nothing about the old refresh token when it has no token at all", async () => {
    const { refreshToken, tokens: found, error } = await read({ hello: "world" });
    assert.deepEqual([refreshToken, found, error?.code], [undefined, undefined, "invalid_response"]);
  });

  it("about somebody else is of no use, but for its refresh token", async () => {
    const answer = tokens({ refresh_token: "new", id_token: true });
    const claims = { iss: "https://as.test", aud: "app", exp: 0, iat: 0 };
    assert.equal(
      (await read(answer, { ...old, claims: { ...claims, sub: "ada" } })).tokens?.claims?.sub,
      "ada",
    );
    const eve = await read(answer, { ...old, claims: { ...claims, sub: "eve" } });
    assert.deepEqual([eve.refreshToken, eve.tokens, eve.error?.code], ["new", undefined, "invalid_response"]);
    assert.match(eve.error!.message, /somebody else/);
  });

  it("that is a refusal all the same ends the sign-in, and shows no token that it quotes", async () => {
    const { refreshToken, error } = await read({
      error: "invalid_grant",
      error_description: `${old.refreshToken} is used up`,
    });
    assert.deepEqual([refreshToken, error?.code], [undefined, "sign_in_required"]);
    assert.equal(error?.serverDescription, "… is used up");
    assertHides(error, old.refreshToken);
  });
});
