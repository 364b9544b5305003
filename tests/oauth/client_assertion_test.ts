import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { claimsOf } from "../jwt.ts";
import type { Client } from "../../lib/oauth/client.ts";
import { clientSecretJwt, federatedAssertion, privateKeyJwt } from "../../lib/oauth/client_assertion.ts";
import {
  type ClientAuthentication,
  clientSecretBasic,
  clientSecretPost,
  none,
} from "../../lib/oauth/client_authentication.ts";
import { signAssertion } from "../../lib/oauth/grants/assertion.ts";
import { authorizationRequest } from "../../lib/oauth/grants/authorization_code.ts";
import { backchannelAuthentication } from "../../lib/oauth/grants/backchannel.ts";
import { clientCredentialsGrant } from "../../lib/oauth/grants/client_credentials.ts";
import { deviceAuthorization } from "../../lib/oauth/grants/device_code.ts";
import { passwordGrant } from "../../lib/oauth/grants/password.ts";
import { tokenExchangeGrant } from "../../lib/oauth/grants/token_exchange.ts";
import { introspectToken } from "../../lib/oauth/introspection.ts";
import type { Issuer } from "../../lib/oauth/issuer.ts";
import { selfSignedTlsClientAuth, tlsClientAuth } from "../../lib/oauth/mutual_tls.ts";
import { revokeToken } from "../../lib/oauth/revocation.ts";
import { generateSigningKey, type SigningKey, signingKey } from "../../lib/oauth/signing_key.ts";
import { assertHides, failureOf, json, stub, tokens, world } from "./support.ts";

const SECRET = "a secret of sixty-four bytes, so that it is long enough for HS512";
const TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

function headerOf(jwt: string): Record<string, unknown> {
  return JSON.parse(atob(jwt.split(".")[0].replace(/-/g, "+").replace(/_/g, "/")));
}

/** An RSA key as a PEM, for `algorithm`. */
async function rsaKey(algorithm: "RS256" | "PS256"): Promise<SigningKey> {
  const parameters = {
    name: "RSA-PSS",
    hash: "SHA-256",
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  };
  const { privateKey } = await crypto.subtle.generateKey(parameters, true, ["sign", "verify"]);
  const bytes = new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey));
  const pem = `-----BEGIN PRIVATE KEY-----\n${
    btoa(String.fromCharCode(...bytes))
  }\n-----END PRIVATE KEY-----`;
  return await signingKey(pem, { algorithm, keyId: algorithm });
}

function keyFor(algorithm: "ES256" | "EdDSA" | "RS256" | "PS256"): Promise<SigningKey> {
  return algorithm === "RS256" || algorithm === "PS256" ? rsaKey(algorithm) : generateSigningKey(algorithm);
}

describe("private_key_jwt", () => {
  for (const algorithm of ["ES256", "EdDSA", "RS256", "PS256"] as const) {
    it(`with ${algorithm} is taken by a server that knows the public key (P8)`, async () => {
      const key = await keyFor(algorithm);
      const jwks = { keys: [{ ...key.publicJwk!, ...(key.keyId ? { kid: key.keyId } : {}) }] };
      const { server, issuer } = await world({ clients: [{ clientId: "signer", jwks }] });
      const client = { clientId: "signer", authentication: privateKeyJwt(key) };
      assert.equal((await clientCredentialsGrant(issuer, client)).tokenType, "Bearer");
      const assertion = server.requests[0].parameters.get("client_assertion")!;
      assert.equal(headerOf(assertion).alg, algorithm);
      assert.equal(headerOf(assertion).kid, key.keyId);
      // with the key of another client it is not
      const stranger = { ...client, authentication: privateKeyJwt(await keyFor(algorithm)) };
      assert.equal((await failureOf(clientCredentialsGrant(issuer, stranger))).serverError, "invalid_client");
    });
  }

  it("says who asks, is made out to the issuer alone, and is good for 60 s (P8, P9)", async () => {
    const { issuer, sent, clock } = stub(json(tokens()));
    const key = await generateSigningKey();
    await clientCredentialsGrant(issuer, { clientId: "signer", authentication: privateKeyJwt(key) });
    const { form, headers } = sent[0];
    assert.equal(form.get("client_id"), "signer");
    assert.equal(form.get("client_assertion_type"), TYPE);
    assert.equal(headers.get("authorization"), null);
    const assertion = form.get("client_assertion")!;
    const { jti, ...claims } = claimsOf(assertion);
    const now = clock.now() / 1000;
    assert.deepEqual(claims, {
      iss: "signer",
      sub: "signer",
      aud: "https://as.test",
      iat: now,
      exp: now + 60,
    });
    assert.match(jti, /^[\w-]{36}$/);
    assert.deepEqual(headerOf(assertion), { alg: "ES256", typ: "client-authentication+jwt" });
  });

  it("is a new one for each request, also when a request is repeated (P8)", async () => {
    const { issuer, sent, clock } = stub([json({}, 503), json({}, 503), json(tokens())]);
    const client = { clientId: "signer", authentication: privateKeyJwt(await generateSigningKey()) };
    let done = false;
    const answer = clientCredentialsGrant(issuer, client).finally(() => done = true);
    while (!done) await clock.advance(1000);
    await answer;
    await clientCredentialsGrant(issuer, client);
    const identifiers = sent.map(({ form }) => claimsOf(form.get("client_assertion")!).jti);
    assert.equal(identifiers.length, 4);
    assert.equal(new Set(identifiers).size, 4);
  });

  it("is made out to the issuer at every endpoint, whatever the endpoint's own URL (P9)", async () => {
    const key = await generateSigningKey();
    const { server, issuer } = await world({
      clients: [{ clientId: "signer", jwks: { keys: [key.publicJwk!] } }],
    });
    await everyEndpoint(issuer, { clientId: "signer", authentication: privateKeyJwt(key) });
    const posts = server.requests.filter(({ method }) => method === "POST");
    assert.equal(posts.length, 8);
    for (const { parameters } of posts) {
      assert.equal(claimsOf(parameters.get("client_assertion")!).aud, "https://as.test");
    }
  });

  it("is made out to the token endpoint with the quirk that is named so, which is reported (P9)", async () => {
    const key = await generateSigningKey();
    const place = await world({
      assertionAudience: "token-endpoint",
      clients: [{ clientId: "signer", jwks: { keys: [key.publicJwk!] } }],
      quirks: ["assertion-audience-token-endpoint"],
    });
    const client = { clientId: "signer", authentication: privateKeyJwt(key) };
    const { accessToken } = await clientCredentialsGrant(place.issuer, client);
    await revokeToken(place.issuer, client, accessToken);
    for (const { parameters } of place.server.requests) {
      assert.equal(claimsOf(parameters.get("client_assertion")!).aud, "https://as.test/token");
    }
    assert.ok(place.met.includes("assertion-audience-token-endpoint"));
  });

  it("does not show the assertion that the server quotes, nor the key", async () => {
    const { issuer } = stub(({ form }) =>
      json({ error: "invalid_client", error_description: `no: ${form.get("client_assertion")}` }, 401)
    );
    const key = await generateSigningKey();
    const client = { clientId: "signer", authentication: privateKeyJwt(key) };
    assertHides(client, (await key.export()).d);
    const error = await failureOf(clientCredentialsGrant(issuer, client));
    assert.equal(error.serverDescription, "no: …");
  });
});

describe("client_secret_jwt", () => {
  for (const algorithm of ["HS256", "HS384", "HS512"] as const) {
    it(`with ${algorithm} is taken by a server that knows the secret (P8, P9)`, async () => {
      const { server, issuer, clock } = await world({
        clients: [{ clientId: "signer", secret: SECRET, authMethods: ["client_secret_jwt"] }],
      });
      const client = { clientId: "signer", authentication: clientSecretJwt(SECRET, algorithm) };
      assert.equal((await clientCredentialsGrant(issuer, client)).tokenType, "Bearer");
      const { parameters, headers } = server.requests[0];
      assert.deepEqual([parameters.has("client_secret"), headers.has("authorization")], [false, false]);
      const assertion = parameters.get("client_assertion")!;
      assert.deepEqual(headerOf(assertion), { alg: algorithm, typ: "client-authentication+jwt" });
      const { aud, exp } = claimsOf(assertion);
      assert.deepEqual([aud, exp], [issuer.issuer, clock.now() / 1000 + 60]);
      const wrong = { ...client, authentication: clientSecretJwt(`${SECRET}!`, algorithm) };
      assert.equal((await failureOf(clientCredentialsGrant(issuer, wrong))).serverError, "invalid_client");
    });
  }

  it("asks for the secret at each use, and refuses an empty one", async () => {
    const { issuer, sent } = stub(json(tokens()));
    const secrets = [SECRET, `${SECRET}2`, ""];
    const client = { clientId: "c", authentication: clientSecretJwt(() => secrets.shift()!) };
    await clientCredentialsGrant(issuer, client);
    await clientCredentialsGrant(issuer, client);
    assert.equal((await failureOf(clientCredentialsGrant(issuer, client))).code, "invalid_argument");
    assert.deepEqual([sent.length, secrets.length], [2, 0]);
  });

  it("does not show the secret, whoever prints it", () => {
    assertHides({ clientId: "c", authentication: clientSecretJwt(SECRET) }, SECRET);
  });
});

describe("a federated assertion", () => {
  it("is read again at each use, and stands for the client as it is", async () => {
    const key = await generateSigningKey();
    const { server, issuer, clock } = await world({
      trustedIssuers: [{ issuer: "https://ci.test", jwks: { keys: [key.publicJwk!] } }],
      clients: [{ clientId: "job", federated: { issuer: "https://ci.test", subject: "repo:a/b" } }],
    });
    const given: string[] = [];
    const authentication = federatedAssertion(async () => {
      const now = clock.now() / 1000;
      const wanted = { issuer: "https://ci.test", subject: "repo:a/b", audience: issuer.issuer, now };
      given.push(await signAssertion(key, wanted));
      // a file ends with a line feed
      return `${given.at(-1)}\n`;
    });
    const client = { clientId: "job", authentication };
    await clientCredentialsGrant(issuer, client);
    await clock.advance(3_600_000);
    await clientCredentialsGrant(issuer, client);
    const sent = server.requests.map(({ parameters }) => parameters.get("client_assertion"));
    assert.deepEqual(sent, given);
    assert.equal(new Set(given).size, 2);
    const { parameters } = server.requests[0];
    assert.deepEqual([parameters.get("client_id"), parameters.get("client_assertion_type")], ["job", TYPE]);
  });

  for (const text of ["", "canary.canary", "<html>canary</html>", "canary\ncanary.canary.canary"]) {
    it(`is refused when it is ${JSON.stringify(text)}, without a word of it and with nothing sent`, async () => {
      const { issuer, sent } = stub(json(tokens()));
      const client = { clientId: "job", authentication: federatedAssertion(() => text) };
      const error = await failureOf(clientCredentialsGrant(issuer, client));
      assert.equal(error.code, "invalid_argument");
      assert.deepEqual(sent, []);
      assertHides(error, "canary");
    });
  }
});

/** Sends one request to each endpoint that wants to know the client. */
async function everyEndpoint(issuer: Issuer, client: Client): Promise<void> {
  const parameters = { redirectUri: "http://127.0.0.1/", scope: "openid", pushed: true };
  const requests = [
    () => clientCredentialsGrant(issuer, client),
    () => passwordGrant(issuer, client, { username: "ada", password: "lovelace" }),
    () => tokenExchangeGrant(issuer, client, { subjectToken: "subject" }),
    () => authorizationRequest(issuer, client, parameters),
    () => deviceAuthorization(issuer, client),
    () => backchannelAuthentication(issuer, client, { loginHint: "ada" }),
    () => introspectToken(issuer, client, "token"),
    () => revokeToken(issuer, client, "token"),
  ];
  for (const request of requests) await request().catch(() => {});
}

describe("every client authentication method", () => {
  const methods: Record<string, () => Promise<ClientAuthentication> | ClientAuthentication> = {
    none,
    client_secret_basic: () => clientSecretBasic("a:b%+ é&"),
    client_secret_post: () => clientSecretPost("a:b%+ é&"),
    client_secret_jwt: () => clientSecretJwt(SECRET),
    private_key_jwt: async () => privateKeyJwt(await generateSigningKey()),
    "private_key_jwt, federated": () => federatedAssertion(() => "eyJh.eyJz.c2ln"),
    tls_client_auth: tlsClientAuth,
    self_signed_tls_client_auth: selfSignedTlsClientAuth,
  };
  for (const [name, make] of Object.entries(methods)) {
    it(`is at most one in a request: ${name} (C4)`, async () => {
      const { server, issuer } = await world();
      const authentication = await make();
      assert.equal(authentication.method, name.split(",")[0]);
      await everyEndpoint(issuer, { clientId: "a b", authentication });
      assert.equal(server.requests.length, 8);
      for (const { headers, parameters, url } of server.requests) {
        const proofs = [
          headers.get("authorization"),
          ...parameters.getAll("client_secret"),
          ...parameters.getAll("client_assertion"),
        ].filter((proof) => proof !== null);
        const byTls = new URL(url).host.startsWith("mtls.") ? 1 : 0;
        assert.equal(proofs.length + byTls, name === "none" ? 0 : 1, url);
        // whoever does not say it in the header says it once in the body
        if (!headers.has("authorization")) assert.deepEqual(parameters.getAll("client_id"), ["a b"]);
        assert.equal(new URL(url).search, "");
      }
    });
  }

  it("brings a secret of odd characters whole to the server (C5)", async () => {
    const secret = "a:b%+ é&";
    const { issuer } = await world({ clients: [{ clientId: "c:d e", secret }] });
    for (const authentication of [clientSecretBasic(secret), clientSecretPost(secret)]) {
      assert.equal(
        (await clientCredentialsGrant(issuer, { clientId: "c:d e", authentication })).tokenType,
        "Bearer",
      );
    }
    const raw = await world({
      quirks: ["basic-raw"],
      clients: [{ clientId: "c d", secret, basicEncoding: "raw" }],
    });
    const client = { clientId: "c d", authentication: clientSecretBasic(secret) };
    assert.equal((await clientCredentialsGrant(raw.issuer, client)).tokenType, "Bearer");
    assert.deepEqual(raw.met, ["basic-raw"]);
  });
});
