import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as oauth from "oauth4webapi";
import { type AuthorizationServer, authorizationServer } from "../../lib/testing/mod.ts";
import { fakeClock } from "../fake_clock.ts";
import { REDIRECT_URI } from "./support.ts";

const options = (server: AuthorizationServer) => ({ [oauth.customFetch]: server.fetch });
const app: oauth.Client = { client_id: "app" };
const service: oauth.Client = { client_id: "service" };

async function discovered(
  server: AuthorizationServer,
  algorithm: "oidc" | "oauth2" = "oidc",
): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(server.issuer);
  const response = await oauth.discoveryRequest(issuer, { ...options(server), algorithm });
  return await oauth.processDiscoveryResponse(issuer, response);
}

describe("an independent client", () => {
  for (const issuer of ["https://as.test", "https://as.test/realms/one", "https://as.test/realms/one/"]) {
    for (const algorithm of ["oidc", "oauth2"] as const) {
      it(`discovers ${issuer} by ${algorithm}`, async () => {
        const server = await authorizationServer({ issuer });
        const as = await discovered(server, algorithm);
        assert.equal(as.issuer, issuer);
        assert.equal(as.token_endpoint, `${issuer.replace(/\/$/, "")}/token`);
      });
    }
  }

  it("signs in with a code, PKCE, state and nonce, and verifies the ID token", async () => {
    const server = await authorizationServer();
    const as = await discovered(server);
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    const nonce = oauth.generateRandomNonce();
    const url = new URL(as.authorization_endpoint!);
    url.search = new URLSearchParams({
      client_id: "app",
      redirect_uri: REDIRECT_URI,
      response_type: "code",
      scope: "openid",
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state,
      nonce,
    }).toString();
    const callback = new URL(await server.authorize(url));
    const parameters = oauth.validateAuthResponse(as, app, callback, state);
    const response = await oauth.authorizationCodeGrantRequest(
      as,
      app,
      oauth.None(),
      parameters,
      REDIRECT_URI,
      verifier,
      options(server),
    );
    const result = await oauth.processAuthorizationCodeResponse(as, app, response, {
      expectedNonce: nonce,
      requireIdToken: true,
    });
    await oauth.validateApplicationLevelSignature(as, response, options(server));
    assert.equal(oauth.getValidatedIdTokenClaims(result)?.sub, "ada");
    assert.ok(result.refresh_token);
  });

  it("signs in with a pushed, signed request and a signed answer", async () => {
    const keys = await oauth.generateKeyPair("ES256");
    const jwk = await crypto.subtle.exportKey("jwk", keys.publicKey);
    const server = await authorizationServer({
      clients: [{ clientId: "app", jwks: { keys: [jwk] }, requireSignedRequestObject: true }],
      requirePushedAuthorization: true,
    });
    const as = await discovered(server);
    assert.equal(as.require_pushed_authorization_requests, true);
    const authentication = oauth.PrivateKeyJwt(keys.privateKey);
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    const request = await oauth.issueRequestObject(
      as,
      app,
      {
        redirect_uri: REDIRECT_URI,
        response_type: "code",
        response_mode: "jwt",
        scope: "openid",
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
        state,
      },
      keys.privateKey,
    );
    const pushed = await oauth.processPushedAuthorizationResponse(
      as,
      app,
      await oauth.pushedAuthorizationRequest(as, app, authentication, { request }, options(server)),
    );
    const url = new URL(as.authorization_endpoint!);
    url.search = new URLSearchParams({ client_id: "app", request_uri: pushed.request_uri }).toString();
    const callback = new URL(await server.authorize(url));
    assert.deepEqual([...callback.searchParams.keys()], ["response"]);
    const parameters = await oauth.validateJwtAuthResponse(as, app, callback, state, options(server));
    const response = await oauth.authorizationCodeGrantRequest(
      as,
      app,
      authentication,
      parameters,
      REDIRECT_URI,
      verifier,
      options(server),
    );
    const result = await oauth.processAuthorizationCodeResponse(as, app, response, { requireIdToken: true });
    assert.equal(result.token_type, "bearer");
  });

  it("signs in on another device", async () => {
    const clock = fakeClock(Date.now());
    const server = await authorizationServer({ clock });
    const as = await discovered(server);
    const device = await oauth.processDeviceAuthorizationResponse(
      as,
      app,
      await oauth.deviceAuthorizationRequest(as, app, oauth.None(), { scope: "openid" }, options(server)),
    );
    assert.equal(device.interval, 5);
    const poll = async () => {
      const response = await oauth.deviceCodeGrantRequest(
        as,
        app,
        oauth.None(),
        device.device_code,
        options(server),
      );
      return await oauth.processDeviceCodeResponse(as, app, response);
    };
    await assert.rejects(poll(), { error: "authorization_pending" });
    await assert.rejects(poll(), { error: "slow_down" });
    server.approveDevice(device.user_code);
    await clock.advance(10_000);
    assert.equal(oauth.getValidatedIdTokenClaims(await poll())?.sub, "ada");
  });

  for (
    const [name, authentication] of [
      ["client_secret_basic", oauth.ClientSecretBasic("s:e c+r%e/é")],
      ["client_secret_post", oauth.ClientSecretPost("s:e c+r%e/é")],
      ["client_secret_jwt", oauth.ClientSecretJwt("s:e c+r%e/é")],
    ] as const
  ) {
    it(`gets a token for itself by ${name}, and the token is a JWT for the resource`, async () => {
      const client: oauth.Client = { client_id: "a client:é" };
      const server = await authorizationServer({
        clients: [{ clientId: client.client_id, secret: "s:e c+r%e/é", authMethods: [name] }],
      });
      const as = await discovered(server);
      const result = await oauth.processClientCredentialsResponse(
        as,
        client,
        await oauth.clientCredentialsGrantRequest(
          as,
          client,
          authentication,
          { scope: "roles" },
          options(server),
        ),
      );
      const request = new Request(server.resource, {
        headers: { authorization: `Bearer ${result.access_token}` },
      });
      const claims = await oauth.validateJwtAccessToken(as, request, server.resource, options(server));
      assert.equal(claims.scope, "roles");
    });
  }

  for (const algorithm of ["RS256", "PS256", "ES256", "Ed25519"]) {
    it(`authenticates with private_key_jwt signed by ${algorithm}`, async () => {
      const keys = await oauth.generateKeyPair(algorithm);
      const jwk = await crypto.subtle.exportKey("jwk", keys.publicKey);
      const server = await authorizationServer({ clients: [{ clientId: "service", jwks: { keys: [jwk] } }] });
      const as = await discovered(server);
      const response = await oauth.clientCredentialsGrantRequest(
        as,
        service,
        oauth.PrivateKeyJwt(keys.privateKey),
        {},
        options(server),
      );
      assert.ok((await oauth.processClientCredentialsResponse(as, service, response)).access_token);
    });
  }

  for (const alg of ["RS256", "PS256", "ES256", "EdDSA"] as const) {
    it(`verifies ID tokens signed by ${alg}, after a change of keys too`, async () => {
      const server = await authorizationServer({ idTokenAlg: alg });
      await server.rotateKeys();
      const as = await discovered(server);
      const { refresh_token } = await server.issue();
      const response = await oauth.refreshTokenGrantRequest(
        as,
        app,
        oauth.None(),
        String(refresh_token),
        options(server),
      );
      const result = await oauth.processRefreshTokenResponse(as, app, response);
      await oauth.validateApplicationLevelSignature(as, response, options(server));
      assert.equal(oauth.getValidatedIdTokenClaims(result)?.email, "ada@example.org");
      assert.notEqual(result.refresh_token, refresh_token);
    });
  }

  it("authenticates by mutual TLS at the aliases, with the certificate that its connection has", async () => {
    const server = await authorizationServer({
      clients: [{ clientId: "service", certificateThumbprint: "print", certificateBound: true }],
    });
    const as = await discovered(server);
    const withCertificate = (print: string) => ({
      [oauth.customFetch]: (url: string, init: RequestInit) => {
        const headers = new Headers(init.headers);
        headers.set("x-test-client-certificate", print);
        return server.fetch(url, { ...init, headers });
      },
    });
    const client: oauth.Client = { ...service, use_mtls_endpoint_aliases: true };
    const request = async (print: string) => {
      const given = withCertificate(print);
      const response = await oauth.clientCredentialsGrantRequest(
        as,
        client,
        oauth.TlsClientAuth(),
        {},
        given,
      );
      return await oauth.processClientCredentialsResponse(as, client, response);
    };
    assert.ok((await request("print")).access_token);
    assert.equal(new URL(server.requests.at(-1)!.url).host, "mtls.as.test");
    await assert.rejects(request("another print"), { error: "invalid_client" });
  });
});
