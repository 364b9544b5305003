import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  authorizationRequest,
  type Client,
  clientCredentialsGrant,
  dpopKey,
  endSessionUrl,
  generateSigningKey,
  introspectToken,
  type Issuer,
  privateKeyJwt,
  refreshTokenGrant,
  selfSignedTlsClientAuth,
  tlsClientAuth,
  tokenSource,
  userInfo,
} from "../../mod.ts";
import {
  decoded,
  discovered,
  REDIRECT_URI,
  registrableKey,
  SERVICE,
  signIn,
  WEB_CLIENT,
} from "./everything_client.ts";
import { type Everything, type SeenRequest, startEverything } from "./everything_provider.ts";
import {
  certificateJwk,
  certificateThumbprint,
  fetchWithCertificate,
  ownFetchWithCertificate,
} from "./everything_tls.ts";

describe("a sender-constrained token of an oidc-provider with everything on", () => {
  let server: Everything;
  let issuer: Issuer;

  before(async () => {
    server = await startEverything();
    issuer = await discovered(server);
  });
  after(async () => {
    await server.close();
    assert.deepEqual(server.faults, []);
  });

  const proofOf = ({ headers }: SeenRequest) => decoded(headers.dpop).claims;
  const statuses = (requests: SeenRequest[]) => requests.map(({ status }) => status);

  it("is bound to a DPoP key, with a nonce at every endpoint", async () => {
    const key = await dpopKey();
    // The same key without the nonces that it has met.
    const fresh = async () => ({ ...client, dpop: await dpopKey(await key.export()) });
    const client: Client = { clientId: server.addClient(WEB_CLIENT), dpop: key };

    const tokens = await signIn(server, client);
    assert.deepEqual(statuses(server.seen("/request")), [400, 201]);
    assert.equal(server.last("/request").parameters.get("dpop_jkt"), key.thumbprint);
    assert.deepEqual(statuses(server.seen("/token", "authorization_code")), [200]);
    const { htu, htm, nonce } = proofOf(server.last("/token"));
    assert.deepEqual([htm, htu], ["POST", `${server.issuer}/token`]);
    assert.ok(nonce, "the nonce that the endpoint for pushed requests gave is good here");
    assert.equal(tokens.tokenType, "DPoP");
    assert.equal(server.kept("AccessToken", tokens.accessToken)?.jkt, key.thumbprint);

    const next = await refreshTokenGrant(issuer, await fresh(), { refreshToken: tokens.refreshToken! });
    const refreshes = server.seen("/token", "refresh_token");
    assert.deepEqual(statuses(refreshes), [400, 200]);
    assert.deepEqual(refreshes.map((seen) => proofOf(seen).nonce !== undefined), [false, true]);
    assert.equal(server.kept("AccessToken", next.accessToken)?.jkt, key.thumbprint);
    assert.equal(server.kept("RefreshToken", next.refreshToken)?.jkt, key.thumbprint);

    assert.equal((await userInfo(issuer, await fresh(), next.accessToken)).sub, "alice");
    assert.deepEqual(statuses(server.seen("/me")), [401, 200]);
    assert.equal(server.last("/me").headers.authorization, `DPoP ${next.accessToken}`);
    assert.ok(proofOf(server.last("/me")).ath);
    await assert.rejects(userInfo(issuer, { clientId: client.clientId }, next.accessToken), { status: 401 });
    const thief = { ...client, dpop: await dpopKey() };
    await assert.rejects(userInfo(issuer, thief, next.accessToken), { serverError: "invalid_token" });
    const stolen = refreshTokenGrant(issuer, thief, { refreshToken: next.refreshToken! });
    await assert.rejects(stolen, { serverError: "invalid_grant" });
  });

  it("is used by a source, which meets an API's demand for a nonce without a new token", async () => {
    const jwk = await (await generateSigningKey("EdDSA")).export();
    const client: Client = { clientId: server.addClient(WEB_CLIENT), dpop: await dpopKey(jwk) };
    const tokens = await signIn(server, client);
    const grant = { defaults: {}, obtain: () => Promise.resolve(tokens) };
    const source = tokenSource(issuer, { ...client, dpop: await dpopKey(jwk) }, grant);
    const [asked, renewed] = [server.seen("/me").length, server.seen("/token").length];
    const answer = await source.fetch(String(issuer.metadata.userinfo_endpoint));
    assert.equal((await answer.json()).sub, "alice");
    assert.deepEqual(statuses(server.seen("/me").slice(asked)), [401, 200]);
    assert.equal(decoded(server.last("/me").headers.dpop).header.alg, "EdDSA");
    assert.equal(server.seen("/token").length, renewed);
  });

  it("is got under the FAPI 2 security profile", async () => {
    const { key, jwks } = await registrableKey("ES256");
    const clientId = server.addClient({
      ...WEB_CLIENT,
      jwks,
      token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_signing_alg: "ES256",
      id_token_signed_response_alg: "ES256",
      dpop_bound_access_tokens: true,
      require_pushed_authorization_requests: true,
    });
    const client: Client = { clientId, authentication: privateKeyJwt(key), dpop: await dpopKey() };
    const parameters = { redirectUri: REDIRECT_URI, scope: "openid offline_access", prompt: "consent" };
    const request = await authorizationRequest(issuer, client, parameters);
    const pushed = server.last("/request");
    assert.equal(pushed.parameters.get("code_challenge_method"), "S256");
    assert.equal(decoded(pushed.parameters.get("client_assertion")).claims.aud, server.issuer);
    assert.deepEqual([...new URL(request.url).searchParams.keys()], ["client_id", "request_uri"]);
    const answer = new URL(await server.authorize(request.url));
    assert.equal(answer.searchParams.get("iss"), server.issuer);

    const [mixedUp, unnamed] = [new URL(answer), new URL(answer)];
    mixedUp.searchParams.set("iss", "https://other.example");
    unnamed.searchParams.delete("iss");
    const before = server.seen("/token").length;
    for (const bad of [mixedUp, unnamed]) {
      await assert.rejects(request.redeem(bad), { code: "invalid_response" });
    }
    assert.equal(server.seen("/token").length, before);

    const tokens = await request.redeem(answer);
    const { parameters: redeemed } = server.last("/token");
    assert.equal(decoded(redeemed.get("client_assertion")).claims.aud, server.issuer);
    assert.ok(redeemed.get("code_verifier"));
    const kept = server.kept("AccessToken", tokens.accessToken);
    assert.deepEqual([kept?.clientId, kept?.jkt], [clientId, client.dpop?.thumbprint]);
    assert.equal(decoded(tokens.idToken).header.alg, "ES256");
    const unbound = signIn(server, { ...client, dpop: undefined });
    await assert.rejects(unbound, { serverError: "invalid_grant" });
  });

  it("is bound to the certificate of a client whose authority the server knows", async () => {
    const { authority, wrongHost: identity, selfSigned } = server.certificates;
    const clientId = server.addClient({
      ...SERVICE,
      token_endpoint_auth_method: "tls_client_auth",
      tls_client_auth_san_dns: "other.example",
      tls_client_certificate_bound_access_tokens: true,
    });
    const client: Client = {
      clientId,
      authentication: tlsClientAuth(),
      fetch: fetchWithCertificate(authority, identity),
    };
    const { accessToken } = await clientCredentialsGrant(issuer, client);
    const { headers, parameters } = server.last("/token");
    assert.equal(headers.host, new URL(server.mutualTlsOrigin).host);
    assert.deepEqual([...parameters.keys()].sort(), ["client_id", "grant_type"]);
    const thumbprint = await certificateThumbprint(identity);
    assert.equal(server.kept("ClientCredentials", accessToken)?.["x5t#S256"], thumbprint);
    const { cnf } = await introspectToken(issuer, client, accessToken);
    assert.deepEqual(cnf, { "x5t#S256": thumbprint });
    const own = { ...client, fetch: ownFetchWithCertificate(authority, identity) };
    const { accessToken: another } = await clientCredentialsGrant(issuer, own);
    assert.equal(server.kept("ClientCredentials", another)?.["x5t#S256"], thumbprint);
    for (const other of [selfSigned, server.certificates.good, undefined]) {
      const stranger = { ...client, fetch: fetchWithCertificate(authority, other) };
      await assert.rejects(clientCredentialsGrant(issuer, stranger), { serverError: "invalid_client" });
    }
  });

  it("is bound to a self-signed certificate that the client has registered", async () => {
    const { authority, selfSigned, good } = server.certificates;
    const clientId = server.addClient({
      ...WEB_CLIENT,
      token_endpoint_auth_method: "self_signed_tls_client_auth",
      jwks: { keys: [certificateJwk(selfSigned)] },
      tls_client_certificate_bound_access_tokens: true,
    });
    const fetch = fetchWithCertificate(authority, selfSigned);
    const client: Client = { clientId, authentication: selfSignedTlsClientAuth(), fetch };
    const tokens = await signIn(server, client);
    const { host } = new URL(server.mutualTlsOrigin);
    for (const path of ["/request", "/token"]) assert.equal(server.last(path).headers.host, host);
    assert.equal(new URL(endSessionUrl(issuer, client)).origin, server.issuer);
    const thumbprint = await certificateThumbprint(selfSigned);
    assert.equal(server.kept("AccessToken", tokens.accessToken)?.["x5t#S256"], thumbprint);
    assert.equal((await userInfo(issuer, client, tokens.accessToken)).sub, "alice");
    const next = await refreshTokenGrant(issuer, client, { refreshToken: tokens.refreshToken! });
    assert.equal(server.kept("AccessToken", next.accessToken)?.["x5t#S256"], thumbprint);
    const thief = { ...client, fetch: fetchWithCertificate(authority, good) };
    await assert.rejects(userInfo(issuer, thief, next.accessToken), { serverError: "invalid_token" });
    const stolen = refreshTokenGrant(issuer, thief, { refreshToken: next.refreshToken! });
    await assert.rejects(stolen, { serverError: "invalid_client" });
  });
});
