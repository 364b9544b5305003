import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { refreshTokenGrant } from "../../../lib/oauth/grants/refresh_token.ts";
import type { TokenSet } from "../../../lib/oauth/token_set.ts";
import {
  app,
  assertHides,
  failureOf,
  hang,
  json,
  type Reply,
  stub,
  tokens,
  type World,
  world,
} from "../support.ts";

/** A world in which somebody has signed in. */
async function signedIn(
  options: Parameters<typeof world>[0] = {},
): Promise<World & { refreshToken: string }> {
  const place = await world(options);
  const { refresh_token } = await place.server.issue({ scope: "openid a b" });
  return { ...place, refreshToken: String(refresh_token) };
}

/** Refreshes at a server of the test's own. */
async function refresh(reply: Reply): Promise<TokenSet> {
  return await refreshTokenGrant(stub(reply).issuer, app, {
    refreshToken: "refresh-canary",
    grantedScope: "a b",
  });
}

describe("the refresh token grant", () => {
  it("takes the new refresh token of a server that rotates", async () => {
    const { server, issuer, refreshToken } = await signedIn();
    let current = refreshToken;
    for (let round = 0; round < 3; round++) {
      const { refreshToken: next, scope } = await refreshTokenGrant(issuer, app, { refreshToken: current });
      assert.notEqual(next, current);
      assert.equal(scope, "openid a b");
      current = next!;
    }
    assert.deepEqual([server.families[0].presented, server.families[0].reused], [3, 0]);
  });

  it("keeps the old one when the answer has none, or an empty one", async () => {
    for (const refresh_token of [undefined, "", null]) {
      assert.equal((await refresh(json(tokens({ refresh_token })))).refreshToken, "refresh-canary");
    }
  });

  it("sends the refresh token, and a scope only when one is asked for", async () => {
    const { server, issuer, refreshToken } = await signedIn({ refreshTokens: "reuse" });
    await refreshTokenGrant(issuer, app, { refreshToken, grantedScope: "openid a b" });
    const narrow = await refreshTokenGrant(issuer, app, {
      refreshToken,
      scope: "a",
      extra: { refresh_token: "x" },
    });
    assert.equal(narrow.scope, "a");
    const sent = server.requests.filter(({ endpoint }) => endpoint === "token");
    const form = { grant_type: "refresh_token", refresh_token: refreshToken, client_id: "app" };
    assert.deepEqual(sent.map(({ parameters }) => Object.fromEntries(parameters)), [form, {
      ...form,
      scope: "a",
    }]);
  });

  it("tells the scope of the sign-in when neither the request nor the answer names one", async () => {
    assert.equal((await refresh(json(tokens()))).scope, "a b");
    assert.equal((await refresh(json(tokens({ scope: "a" })))).scope, "a");
  });

  it("asks for a new sign-in when the refresh token is dead, in the server's words", async () => {
    const { server, issuer, refreshToken } = await signedIn({ flavor: "keycloak" });
    server.revokeSession("ada");
    const error = await failureOf(refreshTokenGrant(issuer, app, { refreshToken }));
    assert.equal(error.code, "sign_in_required");
    assert.equal(error.serverError, "invalid_grant");
    assert.match(error.message, /Session not active/);
    assert.equal(error.nextStep, "Sign in again");
    assert.equal(error.retryable, false);
    assertHides(error, refreshToken);
  });

  for (const error of ["invalid_client", "unauthorized_client", "invalid_scope", "server_error"]) {
    it(`does not take ${error} for the end of the sign-in`, async () => {
      assert.notEqual((await failureOf(refresh(json({ error }, 400)))).code, "sign_in_required");
    });
  }

  for (
    const [what, reply, code] of [
      ["a broken connection", new TypeError("fetch failed"), "network"],
      ["503", new Response("", { status: 503, headers: { "retry-after": "1" } }), "unavailable"],
      ["429", new Response("", { status: 429 }), "unavailable"],
      [
        "a web page",
        new Response("<html>", { headers: { "content-type": "text/html" } }),
        "invalid_response",
      ],
      ["half an answer", json('{"access_token":"acc'), "invalid_response"],
    ] as [string, Reply, string][]
  ) {
    it(`is sent once, also after ${what}, and tells that it was sent`, async () => {
      const { issuer, sent } = stub(reply);
      const error = await failureOf(refreshTokenGrant(issuer, app, { refreshToken: "refresh-canary" }));
      assert.equal(error.code, code);
      assert.equal(error.sent, true);
      assert.equal(sent.length, 1);
      assertHides(error, "refresh-canary");
    });
  }

  it("is sent once, also after 15 s of silence", async () => {
    const { issuer, sent, clock } = stub(hang);
    const failure = failureOf(refreshTokenGrant(issuer, app, { refreshToken: "refresh-canary" }));
    await clock.untilWaiting();
    await clock.advance(20_000);
    assert.equal((await failure).code, "timeout");
    assert.equal(sent.length, 1);
  });

  it("tells that nothing was sent when the connection was refused", async () => {
    const refused = Object.assign(new TypeError("fetch failed"), {
      cause: { code: "ECONNREFUSED", syscall: "connect" },
    });
    assert.equal((await failureOf(refresh(refused))).sent, false);
  });

  it("tells the new refresh token before the access token is handed out", async () => {
    const { issuer, refreshToken } = await signedIn();
    const told: string[] = [];
    const onRefreshToken = async (next: string) => {
      await Promise.resolve();
      told.push(next);
    };
    const tokens = await refreshTokenGrant(issuer, app, { refreshToken, onRefreshToken });
    assert.deepEqual(told, [tokens.refreshToken]);
    await assert.rejects(
      refreshTokenGrant(issuer, app, {
        refreshToken: tokens.refreshToken!,
        onRefreshToken: () => Promise.reject(new Error("the disk is full")),
      }),
      /the disk is full/,
    );
  });

  for (
    const [what, members] of [
      ["its lifetime is nonsense", { expires_in: "soon" }],
      ["its type is unknown", { token_type: "mac" }],
      ["its access token is none", { access_token: "" }],
      ["its ID token is garbage", { id_token: "a.b.c" }],
    ] as const
  ) {
    it(`tells the new refresh token of an answer that is refused because ${what}`, async () => {
      const { issuer } = stub(json(tokens({ refresh_token: "successor-canary", ...members })));
      const told: string[] = [];
      const request = {
        refreshToken: "refresh-canary",
        onRefreshToken: (next: string) => void told.push(next),
      };
      const error = await failureOf(refreshTokenGrant(issuer, app, request));
      assert.equal(error.code, "invalid_response");
      assert.deepEqual(told, ["successor-canary"]);
      assertHides(error, "successor-canary", "refresh-canary");
    });
  }

  it("does not call an unusable text a refresh token", async () => {
    for (const refresh_token of ["two words", "", null, 42]) {
      const { issuer } = stub(json(tokens({ refresh_token, token_type: "mac" })));
      const onRefreshToken = () => assert.fail("told");
      await failureOf(refreshTokenGrant(issuer, app, { refreshToken: "x", onRefreshToken }));
    }
  });
});
