/**
 * Requirements on every request: transport, endpoints, parameters (RFC 6749, RFC 6750, RFC 9700, OAuth 2.1). Each name
 * begins with the requirement's ID. C1 to C7 are here, the others in `requirements_common_answers_test.ts` and
 * `requirements_common_client_test.ts`; what takes a socket is in `requirements_common_served_test.ts`.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  authorizationRequest,
  type ClientAuthentication,
  clientCredentials,
  clientCredentialsGrant,
  clientSecretBasic,
  clientSecretJwt,
  clientSecretPost,
  deviceAuthorization,
  discover,
  federatedAssertion,
  generateSigningKey,
  introspectToken,
  none,
  privateKeyJwt,
  refreshTokenGrant,
  revokeToken,
  selfSignedTlsClientAuth,
  tlsClientAuth,
  tokenSource,
} from "../../mod.ts";
import { driven } from "../hostile/driven.ts";
import { app, assertNothingTwice, json, REDIRECT, refusedWith, stub, tokens, world } from "./support.ts";

const ORIGIN = "https://as.test";
const ENDPOINTS = {
  pushed_authorization_request_endpoint: `${ORIGIN}/par`,
  revocation_endpoint: `${ORIGIN}/revoke`,
  introspection_endpoint: `${ORIGIN}/introspect`,
};

describe("every request", () => {
  it("C1 goes to https only, and nothing is sent to anything else", async () => {
    let sent = 0;
    const fetch = () => Promise.reject(new TypeError(`sent ${++sent}`));
    const bad = [
      "http://as.test",
      "ftp://as.test",
      "file:///etc/passwd",
      "javascript:alert(1)",
      "data:,x",
      "//as.test",
    ];
    for (const url of bad) await refusedWith("insecure_url", discover(url, { fetch }), url);
    const loopback = { fetch, allowInsecureLoopback: true };
    for (const host of ["127.0.0.2", "10.0.0.1", "127.0.0.1.evil.test", "localhost.evil.test", "as.test"]) {
      await refusedWith("insecure_url", discover(`http://${host}`, loopback), host);
    }
    for (const url of bad) {
      const { issuer, sent } = stub(json(tokens()), { metadata: { token_endpoint: url, ...ENDPOINTS } });
      await refusedWith("invalid_metadata", clientCredentialsGrant(issuer, app), url);
      assert.equal(sent.length, 0);
    }
    const { issuer } = stub(json(tokens()));
    const source = tokenSource(issuer, app, clientCredentials());
    await refusedWith("insecure_url", source.fetch("http://api.test/"));
    assert.equal(sent, 0);
    const { http, run } = driven({ fetch });
    for (const host of ["127.0.0.1", "[::1]"]) {
      await refusedWith("network", run(discover(`http://${host}:1`, http)));
    }
    assert.equal(sent, 6);
  });

  it("C4 has at most one proof of the client", async () => {
    const key = await generateSigningKey();
    const secret = "s".repeat(32);
    const methods: ClientAuthentication[] = [
      ...[none(), clientSecretBasic(secret), clientSecretPost(secret), clientSecretJwt(secret)],
      ...[privateKeyJwt(key), federatedAssertion(() => "a.b.c"), tlsClientAuth(), selfSignedTlsClientAuth()],
    ];
    for (const authentication of methods) {
      const { issuer, sent } = stub(json(tokens({ active: true, request_uri: "urn:x" })), {
        metadata: ENDPOINTS,
      });
      const client = { clientId: "app", authentication };
      await clientCredentialsGrant(issuer, client);
      await refreshTokenGrant(issuer, client, { refreshToken: "refresh" });
      await authorizationRequest(issuer, client, { redirectUri: REDIRECT, pushed: true });
      await deviceAuthorization(issuer, client).catch(() => {});
      await introspectToken(issuer, client, "token");
      await revokeToken(issuer, client, "token");
      assert.equal(sent.length, 6);
      for (const { headers, form } of sent) {
        const proofs = [
          headers.has("authorization"),
          form.has("client_secret"),
          form.has("client_assertion"),
        ];
        const isProven = !/^none$|tls_client_auth$/.test(authentication.method);
        assert.equal(proofs.filter(Boolean).length, isProven ? 1 : 0, authentication.method);
      }
    }
  });

  it("C5 form-encodes client id and secret before Basic, and sends them raw only where that was asked for", async () => {
    const [clientId, secret] = ["cli:ent 1", "a:b%+ é&"];
    const client = { clientId, authentication: clientSecretBasic(secret) };
    for (const basicEncoding of ["form", "raw"] as const) {
      const raw = basicEncoding === "raw" ? ["basic-raw"] as const : [];
      // a raw client id cannot have a colon (RFC 7617 section 2)
      const name = raw.length ? "client-1" : clientId;
      const { issuer, met } = await world({
        clients: [{ clientId: name, secret, basicEncoding }],
        quirks: raw,
      });
      const { accessToken } = await clientCredentialsGrant(issuer, { ...client, clientId: name });
      assert.ok(accessToken);
      assert.deepEqual(met, [...raw]);
    }
    const { issuer, sent } = stub(json(tokens()));
    await clientCredentialsGrant(issuer, client);
    assert.equal(atob(sent[0].headers.get("authorization")!.slice(6)), "cli%3Aent+1:a%3Ab%25%2B+%C3%A9%26");
  });

  it("C6 has no parameter twice, and an answer that repeats one is refused", async () => {
    const extra = {
      scope: "evil",
      grant_type: "evil",
      client_id: "evil",
      state: "evil",
      code_challenge: "evil",
      redirect_uri: "x",
    };
    const { issuer, sent } = stub(json(tokens()), {
      metadata: { authorization_endpoint: `${ORIGIN}/authorize?tenant=1&client_id=old`, ...ENDPOINTS },
    });
    await clientCredentialsGrant(issuer, app, { scope: "openid", extra });
    assertNothingTwice(sent[0].form);
    const request = await authorizationRequest(issuer, app, {
      redirectUri: REDIRECT,
      scope: "openid",
      extra,
    });
    const { searchParams } = new URL(request.url);
    assertNothingTwice(searchParams);
    assert.deepEqual([searchParams.get("tenant"), searchParams.get("client_id")], ["1", "app"]);

    const state = searchParams.get("state")!;
    for (const twice of [`code=a&code=b&state=${state}`, `code=a&state=${state}&state=${state}`]) {
      await refusedWith("invalid_response", request.redeem(new URLSearchParams(twice)));
    }
    assert.equal(sent.length, 1);
  });

  it("C7 is answered the same whatever members nobody knows come along", async () => {
    const known = {
      access_token: "token",
      token_type: "Bearer",
      expires_in: 60,
      scope: "read",
      refresh_token: "next",
    };
    const { issuer, clock } = stub(json(known));
    const plain = await refreshTokenGrant(issuer, app, { refreshToken: "refresh" });
    const meaningful = [...Object.keys(known), "id_token", "authorization_details", "refresh_expires_in"];
    const names = fc.string({ minLength: 1, maxLength: 12 }).filter((name) => !meaningful.includes(name));
    const members = fc.dictionary(names, fc.jsonValue({ maxDepth: 3 }), { noNullPrototype: true })
      // refused wherever they are, for the sake of others
      .filter((members) => !/"(__proto__|constructor)":/.test(JSON.stringify(members)));
    await fc.assert(
      fc.asyncProperty(members, async (more) => {
        const other = stub(json({ ...more, ...known }), { clock });
        assert.deepEqual(await refreshTokenGrant(other.issuer, app, { refreshToken: "refresh" }), plain);
      }),
      { numRuns: 100 },
    );
  });
});
