/**
 * Requirements on what becomes of tokens: refresh, revocation, introspection (RFC 7009, RFC 7662, RFC 9700). The command
 * line is in `requirements_refresh_and_revocation_command_test.ts`.
 *
 * | not here | because |
 * | --- | --- |
 * | F3 | replaced: the server decides which scope a refresh may ask for |
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  dpopKey,
  introspectToken,
  refreshToken,
  refreshTokenGrant,
  revokeToken,
  tokenSource,
  userInfo,
} from "../../mod.ts";
import { app, failureOf, json, refusedWith, service, signIn, stub, tokens, world } from "./support.ts";

describe("a refresh token", () => {
  it("F1 is replaced by the one that comes, before the access token is handed out, and stays when none comes", async () => {
    const there = await world();
    const { refreshToken: first } = await signIn(there);
    const kept: string[] = [];
    const keep = (token: string) => void kept.push(token);
    const grant = refreshToken({ refreshToken: first!, onRefreshToken: keep });
    const source = tokenSource(there.issuer, app, grant);
    await source.get();
    assert.equal(kept.length, 1);
    await source.get({ force: true });
    assert.deepEqual([kept.length, there.server.families[0].reused], [2, 0]);
    const broken = refreshToken({
      refreshToken: kept[1],
      onRefreshToken: () => Promise.reject(new Error("disk full")),
    });
    await assert.rejects(tokenSource(there.issuer, app, broken).get(), /disk full/);

    const unchanged = stub(json(tokens()));
    const again = await refreshTokenGrant(unchanged.issuer, app, { refreshToken: "first" });
    assert.equal(again.refreshToken, "first");
  });

  it("F2 goes to the token endpoint and to the revocation endpoint, and nowhere else", async () => {
    const there = await world();
    const { refreshToken: first, accessToken } = await signIn(there);
    const seen = [first!];
    const source = tokenSource(
      there.issuer,
      app,
      refreshToken({ refreshToken: first!, onRefreshToken: (next) => void seen.push(next) }),
    );
    await source.fetch(there.server.resource);
    await userInfo(there.issuer, app, accessToken);
    await revokeToken(there.issuer, app, seen.at(-1)!, { hint: "refresh_token" });
    const whole = ({ url, headers, body }: typeof there.server.requests[number]) =>
      url + JSON.stringify([...headers]) + body;
    const carriers = there.server.requests.filter((request) =>
      seen.some((token) => whole(request).includes(token))
    );
    assert.deepEqual(carriers.map(({ endpoint }) => endpoint), ["token", "revocation"]);
    assert.ok(seen.every((token) => carriers.every(({ url }) => !url.includes(token))));
  });

  it("F4 is bound to the client's key where there is one: stolen, it is of no use", async () => {
    const there = await world();
    const dpop = await dpopKey();
    const { refreshToken: stolen, tokenType } = await signIn(there, { client: { ...app, dpop } });
    assert.equal(tokenType, "DPoP");
    for (const thief of [app, { ...app, dpop: await dpopKey() }]) {
      const error = await failureOf(refreshTokenGrant(there.issuer, thief, { refreshToken: stolen! }));
      assert.match(error.serverError!, /^invalid_(grant|dpop_proof)$/);
    }
    const again = { clientId: "app", dpop: await dpopKey(await dpop.export()) };
    assert.ok((await refreshTokenGrant(there.issuer, again, { refreshToken: stolen! })).accessToken);
  });

  it("F9 brings an ID token about the same sign-in, or nothing", async () => {
    for (
      const claims of [
        { sub: "mallory" },
        { iss: "https://evil.test" },
        { aud: "other" },
        { nonce: "other" },
        { sub: undefined },
      ]
    ) {
      const there = await world();
      const { refreshToken: first, claims: before } = await signIn(there);
      there.server.fault("token", { type: "id_token", claims }, { grantType: "refresh_token" });
      const kept: string[] = [];
      const request = {
        refreshToken: first!,
        claims: before,
        onRefreshToken: (next: string) => void kept.push(next),
      };
      await refusedWith(
        "invalid_response",
        refreshTokenGrant(there.issuer, app, request),
        JSON.stringify(claims),
      );
      // the server takes no other refresh token from now on, whatever it says in its ID token
      const tokens = await refreshTokenGrant(there.issuer, app, { refreshToken: kept[0], claims: before });
      assert.deepEqual([tokens.claims?.sub, tokens.claims?.auth_time], [before?.sub, before?.auth_time]);
    }
  });
});

describe("a revocation", () => {
  const metadata = { revocation_endpoint: "https://as.test/revoke" };

  it("F5 is a POST of the token and its kind, with the client's own proof", async () => {
    const { issuer, sent } = stub(new Response(null), { metadata });
    await revokeToken(issuer, service, "the token", { hint: "refresh_token" });
    const [{ url, method, form, headers }] = sent;
    assert.deepEqual([url, method], ["https://as.test/revoke", "POST"]);
    assert.deepEqual([...form], [["token", "the token"], ["token_type_hint", "refresh_token"]]);
    assert.equal(headers.get("authorization"), `Basic ${btoa("service:service-secret")}`);
  });

  it("F6 has done its work when the server does not know the token", async () => {
    const { issuer, server } = await world();
    await revokeToken(issuer, app, "nobody knows it");
    assert.equal(server.requests.at(-1)?.status, 200);
    for (const body of ["", "<html>", "{", '{"error":1}']) {
      await revokeToken(stub(new Response(body), { metadata }).issuer, app, "token");
    }
  });

  it("F7 has not been done after a 503: the token is still good, and the server says when to come back", async () => {
    const unavailable = new Response(null, { status: 503, headers: { "retry-after": "7" } });
    const error = await refusedWith(
      "unavailable",
      revokeToken(stub(unavailable, { metadata }).issuer, app, "token"),
    );
    assert.deepEqual([error.retryAfter, error.retryable, error.sent], [7, true, true]);
  });
});

describe("an introspection", () => {
  const metadata = { introspection_endpoint: "https://as.test/introspect" };

  it("F8 is an authenticated POST each time, and says whether a token is active with a boolean only", async () => {
    const { issuer, sent } = stub(json({ active: true, exp: 1 }), { metadata });
    for (let count = 0; count < 2; count++) await introspectToken(issuer, service, "the token");
    assert.equal(sent.length, 2);
    for (const { method, url, headers, form } of sent) {
      assert.deepEqual([method, url, form.get("token")], ["POST", "https://as.test/introspect", "the token"]);
      assert.ok(headers.has("authorization"));
    }
    for (const active of ["true", 1, null, undefined, {}, "false"]) {
      const answer = json({ active, username: "user-canary" });
      const error = await refusedWith(
        "invalid_response",
        introspectToken(stub(answer, { metadata }).issuer, service, "token"),
      );
      assert.doesNotMatch(`${error.stack}${JSON.stringify(error)}`, /user-canary/);
    }
  });
});
