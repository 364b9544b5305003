import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  type Client,
  clientSecretBasic,
  endSessionUrl,
  introspectToken,
  type Issuer,
  refreshTokenGrant,
  revokeToken,
  userInfo,
} from "../../mod.ts";
import { decoded, discovered, signIn, WEB_CLIENT } from "./everything_client.ts";
import { type Everything, startEverything } from "./everything_provider.ts";

const AFTERWARDS = "https://client.example/signed-out";
const SECRET = "a secret of the API";

describe("a token of an oidc-provider with everything on", () => {
  let server: Everything;
  let issuer: Issuer;
  let web: Client;
  let api: Client;

  before(async () => {
    server = await startEverything();
    issuer = await discovered(server);
    web = { clientId: server.addClient({ ...WEB_CLIENT, post_logout_redirect_uris: [AFTERWARDS] }) };
    const own = { client_secret: SECRET, token_endpoint_auth_method: "client_secret_basic" };
    api = {
      clientId: server.addClient({ ...WEB_CLIENT, ...own }),
      authentication: clientSecretBasic(SECRET),
    };
  });
  after(async () => {
    await server.close();
    assert.deepEqual(server.faults, []);
  });

  it("is introspected by an API that got it", async () => {
    const { accessToken, expiresAt } = await signIn(server, web);
    const answer = await introspectToken(issuer, api, accessToken, { hint: "access_token" });
    assert.deepEqual([answer.active, answer.sub, answer.client_id], [true, "alice", web.clientId]);
    // expiresAt counts from when the token was asked for, which is before the server made it
    assert.ok(answer.exp! >= expiresAt && answer.exp! < expiresAt + 60, `${answer.exp} ${expiresAt}`);
    const { parameters, headers } = server.last("/token/introspection");
    assert.deepEqual([...parameters], [["token", accessToken], ["token_type_hint", "access_token"]]);
    assert.match(headers.authorization, /^Basic /);
    assert.deepEqual(await introspectToken(issuer, api, "unknown"), { active: false });
  });

  it("is introspected with a signed answer (RFC 9701)", async () => {
    const { accessToken } = await signIn(server, web);
    const answer = await introspectToken(issuer, api, accessToken, { signed: true });
    assert.deepEqual([answer.active, answer.sub, answer.client_id], [true, "alice", web.clientId]);
    assert.equal(server.last("/token/introspection").headers.accept, "application/token-introspection+jwt");
    assert.equal(server.last("/jwks").status, 200);
  });

  it("is revoked, and with a refresh token the whole sign-in", async () => {
    const tokens = await signIn(server, web);
    assert.ok(server.kept("AccessToken", tokens.accessToken));
    await revokeToken(issuer, web, tokens.accessToken, { hint: "access_token" });
    assert.equal(server.kept("AccessToken", tokens.accessToken), undefined);
    const next = await refreshTokenGrant(issuer, web, {
      refreshToken: (await signIn(server, web)).refreshToken!,
    });
    await revokeToken(issuer, web, next.refreshToken!, { hint: "refresh_token" });
    assert.equal(server.kept("RefreshToken", next.refreshToken), undefined);
    assert.equal(server.kept("AccessToken", next.accessToken), undefined);
    const dead = refreshTokenGrant(issuer, web, { refreshToken: next.refreshToken! });
    await assert.rejects(dead, { code: "sign_in_required" });
    await revokeToken(issuer, web, "unknown");
    assert.equal(server.last("/token/revocation").status, 200);
  });

  it("tells whose it is", async () => {
    const { accessToken, claims } = await signIn(server, web);
    const person = await userInfo(issuer, web, accessToken, { subject: claims!.sub });
    assert.deepEqual([person.sub, person.preferred_username], ["alice", "alice"]);
    assert.equal(server.last("/me").headers.authorization, `Bearer ${accessToken}`);
    await assert.rejects(userInfo(issuer, web, accessToken, { subject: "bob" }), {
      code: "invalid_response",
    });
    await assert.rejects(userInfo(issuer, web, "unknown"), { serverError: "invalid_token", status: 401 });
  });

  it("tells whose it is with a signed answer", async () => {
    const alg = { userinfo_signed_response_alg: "ES256" };
    const client = { clientId: server.addClient({ ...WEB_CLIENT, ...alg }) };
    const { accessToken } = await signIn(server, client);
    let type: string | null = null;
    const watched = {
      ...client,
      fetch: async (input: string, init: RequestInit) => {
        const response = await globalThis.fetch(input, init);
        if (input.endsWith("/me")) type = response.headers.get("content-type");
        return response;
      },
    };
    const person = await userInfo(issuer, watched, accessToken, { subject: "alice" });
    assert.equal(person.preferred_username, "alice");
    assert.equal(type, "application/jwt; charset=utf-8");
    const bob = userInfo(issuer, watched, accessToken, { subject: "bob" });
    await assert.rejects(bob, { code: "invalid_response" });
  });

  it("leads to the page that ends the session, and back", async () => {
    const { idToken } = await signIn(server, web);
    const page = await server.visit(endSessionUrl(issuer, web, { idTokenHint: idToken }));
    assert.equal(page.left === undefined && page.status, 200);
    assert.equal(page.left === undefined && page.outcome, "success");
    assert.equal(server.last("/session/end").parameters.get("id_token_hint"), idToken);
    const parameters = { idTokenHint: idToken, postLogoutRedirectUri: AFTERWARDS, state: "s-1" };
    const { left } = await server.visit(endSessionUrl(issuer, web, parameters));
    assert.equal(left, `${AFTERWARDS}?state=s-1`);
    assert.equal(decoded(idToken).claims.aud, server.last("/session/end").parameters.get("client_id"));
  });
});
