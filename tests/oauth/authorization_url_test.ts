import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { claimsOf } from "../jwt.ts";
import { clientSecretBasic, clientSecretPost } from "../../lib/oauth/client_authentication.ts";
import { clientSecretJwt, privateKeyJwt } from "../../lib/oauth/client_assertion.ts";
import { authorizationRequest } from "../../lib/oauth/grants/authorization_code.ts";
import { generateSigningKey } from "../../lib/oauth/signing_key.ts";
import { app, assertHides, endsAtOnce, failureOf, hang, json, stub, world } from "./support.ts";

const redirectUri = "http://127.0.0.1:49152/callback";
const basic = { redirectUri, scope: "openid profile" };
const par = { pushed_authorization_request_endpoint: "https://as.test/par" };
const accepted = json({ request_uri: "urn:ietf:params:oauth:request_uri:canary", expires_in: 90 }, 201);

describe("an authorization request in the open", () => {
  it("has every parameter once, on top of the endpoint's own query", async () => {
    const authorization_endpoint = "https://as.test/authorize?tenant=7&scope=old&scope=older";
    const { issuer, sent } = stub(json({}), { metadata: { authorization_endpoint } });
    const { url } = await authorizationRequest(issuer, app, { ...basic, loginHint: "zoë & co" });
    const parameters = new URL(url).searchParams;
    for (const name of parameters.keys()) assert.equal(parameters.getAll(name).length, 1, name);
    assert.deepEqual(
      ["tenant", "scope", "client_id", "login_hint", "response_type"].map((name) => parameters.get(name)),
      ["7", "openid profile", "app", "zoë & co", "code"],
    );
    assert.deepEqual(sent, []);
  });

  it("names every resource (P13)", async () => {
    const { issuer } = stub(json({}));
    const resource = ["https://one.test/", "https://two.test/api?v=1"];
    const { url } = await authorizationRequest(issuer, app, { ...basic, resource });
    assert.deepEqual(new URL(url).searchParams.getAll("resource"), resource);
  });

  it("is refused where the server takes signed ones only and there is no key", async () => {
    const { issuer, sent } = stub(accepted, { metadata: { ...par, require_signed_request_object: true } });
    for (const pushed of [false, true]) {
      const error = await failureOf(authorizationRequest(issuer, app, { ...basic, pushed }));
      assert.equal(error.code, "unsupported");
      assert.match(error.message, /signed requests only/);
    }
    assert.deepEqual(sent, []);
  });

  for (
    const endpoint of [
      "http://as.test/authorize",
      "javascript:alert(1)",
      "https://ada@as.test/",
      "/authorize",
    ]
  ) {
    it(`is refused when its page is ${endpoint} (C1)`, async () => {
      const { issuer } = stub(json({}), { metadata: { authorization_endpoint: endpoint } });
      assert.equal((await failureOf(authorizationRequest(issuer, app, basic))).code, "invalid_metadata");
    });
  }

  it("is unsupported where there is no page", async () => {
    const { issuer } = stub(json({}), { metadata: { authorization_endpoint: undefined } });
    assert.equal((await failureOf(authorizationRequest(issuer, app, basic))).code, "unsupported");
  });
});

describe("a pushed authorization request", () => {
  it("leaves nothing but client and reference in the URL, and leads to a code (G10)", async () => {
    const { server, issuer } = await world({ clients: [{ clientId: "service", secret: "secret" }] });
    const client = { clientId: "service", authentication: clientSecretBasic("secret") };
    const request = await authorizationRequest(issuer, client, { ...basic, pushed: true, maxAge: 60 });
    const [push] = server.requests;
    assert.equal(push.endpoint, "pushed_authorization");
    assert.equal(push.parameters.get("max_age"), "60");
    assert.equal(push.parameters.get("response_type"), "code");
    assert.match(push.parameters.get("code_challenge")!, /^[\w-]{43}$/);
    assert.deepEqual(push.parameters.getAll("client_id"), ["service"]);
    assert.ok(!push.parameters.has("request_uri"));
    const url = new URL(request.url);
    assert.deepEqual([...url.searchParams.keys()], ["client_id", "request_uri"]);
    const { claims } = await request.redeem(await server.authorize(request.url));
    assert.equal(typeof claims?.sub, "string");
  });

  it("is made without being asked for where the server requires it, even against the caller's word (G10)", async () => {
    const { server, issuer } = await world({ requirePushedAuthorization: true });
    for (const pushed of [undefined, false]) {
      const request = await authorizationRequest(issuer, app, { ...basic, pushed });
      await request.redeem(await server.authorize(request.url));
    }
    assert.equal(server.count("pushed_authorization"), 2);
  });

  it("is not made where nobody asks for it", async () => {
    const { server, issuer } = await world();
    await authorizationRequest(issuer, app, basic);
    assert.equal(server.count(), 0);
  });

  it("is new for each sign-in: a reference is used once (G10)", async () => {
    const { server, issuer } = await world();
    const requests = [
      await authorizationRequest(issuer, app, { ...basic, pushed: true }),
      await authorizationRequest(issuer, app, { ...basic, pushed: true }),
    ];
    assert.notEqual(requests[0].url, requests[1].url);
    await server.authorize(requests[0].url);
    await assert.rejects(server.authorize(requests[0].url));
  });

  it("carries the client's proof of who it is, as a token request does (G10)", async () => {
    const key = await generateSigningKey();
    const secret = "a secret that is long enough for HS256";
    const { server, issuer } = await world({
      clients: [{ clientId: "c", secret, jwks: { keys: [key.publicJwk!] } }],
    });
    const ways = [
      clientSecretBasic(secret),
      clientSecretPost(secret),
      clientSecretJwt(secret),
      privateKeyJwt(key),
    ];
    for (const authentication of ways) {
      await authorizationRequest(issuer, { clientId: "c", authentication }, { ...basic, pushed: true });
    }
    assert.deepEqual(server.requests.map(({ status }) => status), [201, 201, 201, 201]);
    const wrong = { clientId: "c", authentication: clientSecretBasic("wrong") };
    const error = await failureOf(authorizationRequest(issuer, wrong, { ...basic, pushed: true }));
    assert.deepEqual([error.code, error.serverError], ["server_refused", "invalid_client"]);
  });

  for (const status of [200, 201]) {
    it(`takes ${status} for success${status === 200 ? ", and reports it" : ""}`, async () => {
      const { issuer, met } = stub(json({ request_uri: "urn:x", expires_in: 90 }, status), { metadata: par });
      const { url } = await authorizationRequest(issuer, app, { ...basic, pushed: true });
      assert.equal(new URL(url).searchParams.get("request_uri"), "urn:x");
      assert.deepEqual(met, status === 200 ? ["success-status"] : []);
    });
  }

  for (const body of [{}, { request_uri: 7 }, { request_uri: "" }, [], "canary"]) {
    it(`is refused when the answer is ${JSON.stringify(body)}`, async () => {
      const { issuer } = stub(json(body, 201), { metadata: par });
      const error = await failureOf(authorizationRequest(issuer, app, { ...basic, pushed: true }));
      assert.equal(error.code, "invalid_response");
      assertHides(error, "canary");
    });
  }

  it("says in the server's words why it was refused", async () => {
    const reply = json({ error: "invalid_request", error_description: "no such redirect URI" }, 400);
    const { issuer } = stub(reply, { metadata: par });
    const error = await failureOf(authorizationRequest(issuer, app, { ...basic, pushed: true }));
    assert.deepEqual([error.code, error.serverDescription], ["server_refused", "no such redirect URI"]);
  });

  it("follows no redirect (C20)", async () => {
    const reply = new Response(null, { status: 307, headers: { location: "https://evil.test/" } });
    const { issuer, sent } = stub(reply, { metadata: par });
    const error = await failureOf(authorizationRequest(issuer, app, { ...basic, pushed: true }));
    assert.deepEqual([error.code, sent.length], ["invalid_response", 1]);
  });

  it("is unsupported where the server has no endpoint for it", async () => {
    const { issuer, sent } = stub(accepted);
    assert.equal(
      (await failureOf(authorizationRequest(issuer, app, { ...basic, pushed: true }))).code,
      "unsupported",
    );
    assert.deepEqual(sent, []);
  });

  it("ends at once on an abort", async () => {
    const asked = Promise.withResolvers<void>();
    const { issuer } = stub((sent, signal) => {
      asked.resolve();
      return hang(sent, signal);
    }, { metadata: par });
    const controller = new AbortController();
    const { signal } = controller;
    const work = authorizationRequest(issuer, app, { ...basic, pushed: true, signal });
    await asked.promise;
    controller.abort();
    assert.ok(await endsAtOnce(work));
    assert.equal((await failureOf(work)).code, "aborted");
  });
});

describe("a signed authorization request", () => {
  it("has every parameter as a claim, and only the client beside the JWT", async () => {
    const key = { ...await generateSigningKey("EdDSA"), keyId: "k1" };
    const { server, issuer, clock } = await world({
      clients: [{
        clientId: "signer",
        jwks: { keys: [{ ...key.publicJwk!, kid: "k1" }] },
        requireSignedRequestObject: true,
      }],
    });
    const client = { clientId: "signer", authentication: privateKeyJwt(key) };
    const details = [{ type: "test", actions: ["read"] }];
    const claimsRequest = { userinfo: { email: null } };
    const request = await authorizationRequest(issuer, client, {
      ...basic,
      maxAge: 120,
      resource: ["https://one.test/", "https://two.test/"],
      authorizationDetails: details,
      extra: { claims: JSON.stringify(claimsRequest), ui_locales: "120" },
      requestObjectKey: key,
    });
    const url = new URL(request.url);
    assert.deepEqual([...url.searchParams.keys()], ["client_id", "request"]);
    const jwt = url.searchParams.get("request")!;
    assert.deepEqual(JSON.parse(atob(jwt.split(".")[0])), {
      alg: "EdDSA",
      kid: "k1",
      typ: "oauth-authz-req+jwt",
    });
    const { jti, state, nonce, code_challenge, ...claims } = claimsOf(jwt);
    const now = clock.now() / 1000;
    assert.deepEqual(claims, {
      claims: claimsRequest,
      ui_locales: "120",
      scope: "openid profile",
      resource: ["https://one.test/", "https://two.test/"],
      authorization_details: details,
      response_type: "code",
      client_id: "signer",
      redirect_uri: redirectUri,
      max_age: 120,
      code_challenge_method: "S256",
      iss: "signer",
      aud: "https://as.test",
      iat: now,
      nbf: now,
      exp: now + 300,
    });
    for (const random of [jti, state, nonce, code_challenge]) assert.match(random, /^[\w-]{36,43}$/);
    const { claims: person } = await request.redeem(await server.authorize(request.url));
    assert.equal(typeof person?.sub, "string");
  });

  it("can be pushed, and then not even the JWT is in the URL (G10)", async () => {
    const key = await generateSigningKey();
    const { server, issuer } = await world({
      clients: [{ clientId: "signer", jwks: { keys: [key.publicJwk!] }, requireSignedRequestObject: true }],
    });
    const client = { clientId: "signer", authentication: privateKeyJwt(key) };
    const request = await authorizationRequest(issuer, client, {
      ...basic,
      pushed: true,
      requestObjectKey: key,
    });
    assert.deepEqual([...server.requests[0].parameters.keys()].sort(), [
      "client_assertion",
      "client_assertion_type",
      "client_id",
      "request",
    ]);
    assert.deepEqual([...new URL(request.url).searchParams.keys()], ["client_id", "request_uri"]);
    await request.redeem(await server.authorize(request.url));
  });

  it("is not taken from another client's key", async () => {
    const key = await generateSigningKey();
    const { server, issuer } = await world({
      clients: [{ clientId: "signer", jwks: { keys: [(await generateSigningKey()).publicJwk!] } }],
    });
    const request = await authorizationRequest(issuer, { clientId: "signer" }, {
      ...basic,
      requestObjectKey: key,
    });
    await assert.rejects(server.authorize(request.url));
  });

  it("leaves JSON that is none to the server", async () => {
    const { issuer } = stub(json({}));
    const requestObjectKey = await generateSigningKey();
    const parameters = { ...basic, requestObjectKey, extra: { claims: "{not json" } };
    const { url } = await authorizationRequest(issuer, app, parameters);
    assert.equal(claimsOf(new URL(url).searchParams.get("request")!).claims, "{not json");
  });
});
