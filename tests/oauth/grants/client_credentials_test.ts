import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { clientSecretBasic } from "../../../lib/oauth/client_authentication.ts";
import { clientCredentialsGrant } from "../../../lib/oauth/grants/client_credentials.ts";
import {
  assertHides,
  endsAtOnce,
  failureOf,
  hang,
  json,
  type Reply,
  stub,
  tokens,
  world,
} from "../support.ts";

const service = { clientId: "service", authentication: clientSecretBasic("service-secret") };

describe("the client credentials grant", () => {
  it("gets a token for the client itself, for the scope and the audience that it names", async () => {
    const { server, issuer, met } = await world();
    const asked = { scope: "openid roles", audience: "https://api.test" };
    const { tokenType, scope, claims, refreshToken } = await clientCredentialsGrant(issuer, service, asked);
    assert.deepEqual([tokenType, scope, claims, refreshToken], [
      "Bearer",
      "openid roles",
      undefined,
      undefined,
    ]);
    const { parameters } = server.requests[0];
    assert.deepEqual(Object.fromEntries(parameters), { grant_type: "client_credentials", ...asked });
    assert.deepEqual(met, []);
  });

  for (
    const [what, failure] of [
      ["the connection breaks", new TypeError("fetch failed")],
      ["the server is down", new Response("", { status: 503 })],
      ["the server has trouble of its own", json({ error: "unknown_error" }, 500)],
      ["the server is asked too often", new Response("", { status: 429 })],
      ["a web page comes back", new Response("<html>", { headers: { "content-type": "text/html" } })],
    ] as [string, Reply][]
  ) {
    it(`asks again when ${what}`, async () => {
      const { issuer, clock, sent } = stub([failure, failure, json(tokens())]);
      const asked = clientCredentialsGrant(issuer, service);
      await clock.advance(20_000);
      assert.equal((await asked).accessToken, "access-canary");
      assert.equal(sent.length, 3);
    });
  }

  it("does not ask again when the server was silent for the whole deadline", async () => {
    const { issuer, clock, sent } = stub([hang, json(tokens())]);
    const failure = failureOf(clientCredentialsGrant(issuer, service));
    await clock.untilWaiting();
    await clock.advance(20_000);
    assert.equal((await failure).code, "timeout");
    assert.equal(sent.length, 1);
  });

  it("gives up after the third try", async () => {
    const { issuer, clock, sent } = stub(new Response("", { status: 503 }));
    const failure = failureOf(clientCredentialsGrant(issuer, service));
    await clock.advance(20_000);
    assert.equal((await failure).code, "unavailable");
    assert.equal(sent.length, 3);
  });

  for (
    const error of ["invalid_client", "unauthorized_client", "invalid_scope", "invalid_request", "own_word"]
  ) {
    it(`does not ask again after ${error}`, async () => {
      const { issuer, sent } = stub(json({ error }, 400));
      const thrown = await failureOf(clientCredentialsGrant(issuer, service));
      assert.equal(thrown.code, "server_refused");
      assert.equal(thrown.serverError, error);
      assert.equal(sent.length, 1);
    });
  }

  it("does not ask again before the time that the server names is over", async () => {
    const busy = new Response("", { status: 503, headers: { "retry-after": "8" } });
    const { issuer, clock, sent } = stub([busy, json(tokens())]);
    const asked = clientCredentialsGrant(issuer, service);
    await clock.advance(8000);
    assert.equal(sent.length, 1);
    await clock.advance(1000);
    assert.ok((await asked).accessToken);
  });

  it("tells rather than waits when that time is long", async () => {
    const busy = new Response("", { status: 503, headers: { "retry-after": "120" } });
    const { issuer, sent } = stub(busy);
    const error = await failureOf(clientCredentialsGrant(issuer, service));
    assert.equal(error.retryAfter, 120);
    assert.equal(sent.length, 1);
  });

  it("ends at once on an abort between two tries", async () => {
    const abort = new AbortController();
    const { issuer, clock } = stub(new Response("", { status: 503 }));
    const asked = clientCredentialsGrant(issuer, service, {}, { signal: abort.signal });
    await clock.advance(0);
    assert.equal(clock.waiting(), 1);
    abort.abort();
    assert.ok(await endsAtOnce(asked));
    assert.equal((await failureOf(asked)).code, "aborted");
    assert.equal(clock.waiting(), 0);
  });

  it("shows no secret when it fails", async () => {
    for (const reply of [json({}), json({ error: "x" }, 400), new TypeError("service-secret")] as Reply[]) {
      const { issuer, clock } = stub(reply);
      const failure = failureOf(clientCredentialsGrant(issuer, service));
      await clock.advance(20_000);
      assertHides(await failure, "service-secret");
    }
  });
});
