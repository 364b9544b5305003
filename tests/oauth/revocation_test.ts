import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { clientSecretBasic } from "../../lib/oauth/client_authentication.ts";
import { clientCredentialsGrant } from "../../lib/oauth/grants/client_credentials.ts";
import { passwordGrant } from "../../lib/oauth/grants/password.ts";
import { refreshTokenGrant } from "../../lib/oauth/grants/refresh_token.ts";
import { introspectToken } from "../../lib/oauth/introspection.ts";
import { revokeToken } from "../../lib/oauth/revocation.ts";
import { app, assertHides, failureOf, json, stub, world } from "./support.ts";

const service = { clientId: "service", authentication: clientSecretBasic("service-secret") };
const metadata = { revocation_endpoint: "https://as.test/revoke" };

describe("a revocation", () => {
  it("ends an access token (F5)", async () => {
    const { server, issuer } = await world();
    const { accessToken } = await clientCredentialsGrant(issuer, service);
    server.clearRequests();
    await revokeToken(issuer, service, accessToken, { hint: "access_token" });
    const { method, url, headers, parameters } = server.requests[0];
    assert.deepEqual([method, url], ["POST", "https://as.test/revoke"]);
    assert.deepEqual([...parameters], [["token", accessToken], ["token_type_hint", "access_token"]]);
    assert.match(headers.get("authorization")!, /^Basic /);
    assert.equal((await introspectToken(issuer, service, accessToken)).active, false);
  });

  it("of a refresh token ends the sign-in; a public client says only its name (F5)", async () => {
    const { server, issuer } = await world();
    const ada = { username: "ada", password: "lovelace", scope: "openid" };
    const refreshToken = (await passwordGrant(issuer, app, ada)).refreshToken!;
    server.clearRequests();
    await revokeToken(issuer, app, refreshToken);
    const { headers, parameters } = server.requests[0];
    assert.deepEqual([...parameters], [["token", refreshToken], ["client_id", "app"]]);
    assert.equal(headers.get("authorization"), null);
    const error = await failureOf(refreshTokenGrant(issuer, app, { refreshToken }));
    assert.equal(error.code, "sign_in_required");
  });

  it("of a token that the server does not know has happened already (F6)", async () => {
    const { issuer, met } = await world();
    await revokeToken(issuer, service, "unknown");
    assert.deepEqual(met, []);
  });

  it("takes any answer of success, whatever it holds, and reports another status (F6)", async () => {
    for (const [status, expected] of [[200, []], [204, ["success-status"]]] as const) {
      const body = status === 204 ? null : "<html>done</html>";
      const { issuer, met } = stub(new Response(body, { status }), { metadata });
      await revokeToken(issuer, app, "t");
      assert.deepEqual(met, expected);
    }
  });

  it("has not happened when the server cannot do it now: it says when to ask again (F7)", async () => {
    const reply = json({}, 503, { "retry-after": "120" });
    const { issuer, sent } = stub(reply, { metadata });
    const error = await failureOf(revokeToken(issuer, app, "token-canary"));
    assert.deepEqual([error.code, error.retryAfter, error.retryable, error.status], [
      "unavailable",
      120,
      true,
      503,
    ]);
    assert.equal(sent.length, 1);
    assertHides(error, "token-canary");
  });

  it("says in the server's words why it was refused, without the token that they quote (F5)", async () => {
    const { issuer } = stub(
      ({ form }) => json({ error: "unsupported_token_type", error_description: form.get("token") }, 400),
      { metadata },
    );
    const error = await failureOf(revokeToken(issuer, app, "token-canary"));
    assert.deepEqual([error.code, error.serverError], ["server_refused", "unsupported_token_type"]);
    assertHides(error, "token-canary");
  });

  it("of another client's token is refused", async () => {
    const { issuer } = await world();
    const { accessToken } = await clientCredentialsGrant(issuer, service);
    assert.equal((await failureOf(revokeToken(issuer, app, accessToken))).code, "server_refused");
  });

  it("is unsupported where the server does not offer it, with nothing sent", async () => {
    const { issuer, sent } = stub(json({}));
    assert.equal((await failureOf(revokeToken(issuer, app, "t"))).code, "unsupported");
    assert.deepEqual(sent, []);
  });

  it("is left at once by who wants to, while the client secret is being fetched", async () => {
    const { issuer, sent } = stub(json({}), { metadata });
    const abort = new AbortController();
    const secret = () => {
      abort.abort();
      return new Promise<string>(() => {});
    };
    const client = { ...app, authentication: clientSecretBasic(secret) };
    const error = await failureOf(revokeToken(issuer, client, "t", { signal: abort.signal }));
    assert.equal(error.code, "aborted");
    assert.deepEqual(sent, []);
  });

  it("follows no redirect with the token (C20)", async () => {
    const reply = new Response(null, { status: 308, headers: { location: "https://evil.test/" } });
    const { issuer, sent } = stub(reply, { metadata });
    assert.equal((await failureOf(revokeToken(issuer, app, "t"))).code, "invalid_response");
    assert.equal(sent.length, 1);
  });
});
