/**
 * Requirements on proofs: DPoP (RFC 9449), mutual TLS (RFC 8705), assertions (RFC 7523), the
 * server's JWTs. P10 to P13 are in `requirements_grants_test.ts`.
 *
 * | not here | because |
 * | --- | --- |
 * | P14 | replaced: which client authentication is used is the operator's choice |
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decoded } from "../jwt.ts";
import {
  type Client,
  clientCredentials,
  clientCredentialsGrant,
  clientSecretBasic,
  clientSecretJwt,
  deviceAuthorization,
  type DpopKey,
  dpopKey,
  extensionGrant,
  generateSigningKey,
  introspectToken,
  type Issuer,
  jwtBearerGrant,
  passwordGrant,
  privateKeyJwt,
  refreshToken,
  refreshTokenGrant,
  revokeToken,
  selfSignedTlsClientAuth,
  tlsClientAuth,
  type TokenSet,
  tokenSource,
} from "../../mod.ts";
import { app, json, refusedWith, service, signIn, stub, tokens, world } from "./support.ts";

const ENDPOINTS = {
  revocation_endpoint: "https://as.test/revoke",
  introspection_endpoint: "https://as.test/introspect",
};
const BOUND = tokens({ token_type: "DPoP", active: true });

async function bound(): Promise<Client & { readonly dpop: DpopKey }> {
  return { clientId: "app", dpop: await dpopKey() };
}

/** Whether the key in a proof's header signed it. */
async function isAuthentic(proof: string): Promise<boolean> {
  const bytes = (text: string) =>
    Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
  const [header, claims, signature] = proof.split(".");
  const curve = { name: "ECDSA", namedCurve: "P-256" };
  const key = await crypto.subtle.importKey("jwk", decoded(proof).header.jwk, curve, false, ["verify"]);
  const input = new TextEncoder().encode(`${header}.${claims}`);
  return await crypto.subtle.verify({ ...curve, hash: "SHA-256" }, key, bytes(signature), input);
}

describe("a DPoP proof", () => {
  it("P1 is signed for one request by a key whose private half stays here", async () => {
    const client = await bound();
    const metadata = { token_endpoint: "https://as.test/token?tenant=1" };
    const { issuer, sent, clock } = stub(json(BOUND), { metadata });
    for (let count = 0; count < 50; count++) await clientCredentialsGrant(issuer, client);
    const proofs = sent.map(({ headers }) => headers.get("dpop")!);
    for (const proof of proofs) {
      const { header, claims } = decoded(proof);
      assert.deepEqual([header.typ, header.alg], ["dpop+jwt", "ES256"]);
      assert.deepEqual(Object.keys(header.jwk).sort(), ["crv", "kty", "x", "y"]);
      const { jti, ...rest } = claims;
      assert.ok(jti.length >= 16);
      assert.deepEqual(rest, { htm: "POST", htu: "https://as.test/token", iat: clock.now() / 1000 });
      assert.ok(await isAuthentic(proof));
    }
    assert.equal(new Set(proofs.map((proof) => decoded(proof).claims.jti)).size, 50);
  });

  it("P2 is in every token request, and a token that is not bound is refused", async () => {
    const client = await bound();
    const grants: ((issuer: Issuer) => Promise<TokenSet>)[] = [
      (issuer) => clientCredentialsGrant(issuer, client),
      (issuer) => refreshTokenGrant(issuer, client, { refreshToken: "refresh" }),
      (issuer) => passwordGrant(issuer, client, { username: "ada", password: "lovelace" }),
      (issuer) => jwtBearerGrant(issuer, client, { assertion: "a.b.c" }),
      (issuer) => extensionGrant(issuer, client, { grantType: "urn:x" }),
    ];
    for (const grant of grants) {
      const good = stub(json(BOUND));
      assert.equal((await grant(good.issuer)).tokenType, "DPoP");
      assert.ok(good.sent[0].headers.has("dpop"));
      for (const type of ["Bearer", "bearer"]) {
        await refusedWith("invalid_response", grant(stub(json(tokens({ token_type: type }))).issuer));
      }
    }
    // nor one that is bound to a key that nobody has
    await refusedWith("invalid_response", clientCredentialsGrant(stub(json(BOUND)).issuer, app));
  });

  it("P3 comes from the same key as long as the sign-in lasts, also after it was kept and read again", async () => {
    const there = await world();
    const dpop = await dpopKey();
    const { refreshToken: first } = await signIn(there, { client: { ...app, dpop } });
    const read = await dpopKey(JSON.parse(JSON.stringify(await dpop.export())));
    assert.equal(read.thumbprint, dpop.thumbprint);
    const source = tokenSource(there.issuer, { ...app, dpop: read }, refreshToken({ refreshToken: first! }));
    for (let count = 0; count < 3; count++) {
      const { accessToken } = await source.get({ force: true });
      assert.equal(decoded(accessToken).claims.cnf.jkt, dpop.thumbprint);
    }
  });

  it("P4 has the nonce that its server asked for, once more and no oftener, and the newest of each server", async () => {
    const client = await bound();
    const demand = (nonce: string) => json({ error: "use_dpop_nonce" }, 400, { "dpop-nonce": nonce });
    const { issuer, sent } = stub([
      demand("one"),
      json(BOUND, 200, { "dpop-nonce": "two" }),
      json(BOUND, 200, { "dpop-nonce": "a, b" }),
      json(BOUND),
    ]);
    for (let count = 0; count < 3; count++) await clientCredentialsGrant(issuer, client);
    const nonces = sent.map(({ headers }) => decoded(headers.get("dpop")!).claims.nonce);
    // two nonces at once arrive as one text with a comma: neither is taken
    assert.deepEqual(nonces, [undefined, "one", "two", "two"]);

    const endless = stub((one) => demand(`nonce-${one.headers.get("dpop")!.length}`));
    const error = await refusedWith("server_refused", clientCredentialsGrant(endless.issuer, client));
    assert.equal(error.serverError, "use_dpop_nonce");
    assert.equal(endless.sent.length, 2);
    const elsewhere = stub(json(BOUND), { metadata: { token_endpoint: "https://other.test/token" } });
    await clientCredentialsGrant(elsewhere.issuer, client);
    assert.equal(decoded(elsewhere.sent[0].headers.get("dpop")!).claims.nonce, undefined);
  });

  it("P5 goes with the token to an API, bound to that token", async () => {
    const client = await bound();
    const { issuer, sent } = stub((one) => one.url.includes("/token") ? json(BOUND) : json({}));
    await tokenSource(issuer, client, clientCredentials()).fetch("https://api.test/things?x=1#y", {
      method: "PUT",
      body: "{}",
    });
    const [, { headers }] = sent;
    assert.equal(headers.get("authorization"), "DPoP access-canary");
    const { claims } = decoded(headers.get("dpop")!);
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode("access-canary"));
    const ath = btoa(String.fromCharCode(...new Uint8Array(digest))).replaceAll("+", "-").replaceAll("/", "_")
      .replace("=", "");
    assert.deepEqual([claims.htm, claims.htu, claims.ath], ["PUT", "https://api.test/things", ath]);
  });

  it("P6 is announced by the key's thumbprint in the authorization request, pushed or not", async () => {
    const { server, issuer } = await world();
    const client = await bound();
    for (const pushed of [false, true]) {
      await signIn({ server, issuer } as Awaited<ReturnType<typeof world>>, { client, pushed });
    }
    const announced = server.requests.filter(({ parameters }) => parameters.has("dpop_jkt"));
    assert.deepEqual(announced.map(({ endpoint }) => endpoint), ["authorization", "pushed_authorization"]);
    for (const { parameters } of announced) assert.equal(parameters.get("dpop_jkt"), client.dpop.thumbprint);
  });
});

describe("a client's proof", () => {
  it("P7 by its certificate names the client, at the endpoints that are for it", async () => {
    const aliases = {
      token_endpoint: "https://mtls.test/token",
      revocation_endpoint: "https://mtls.test/revoke",
    };
    const metadata = { ...ENDPOINTS, mtls_endpoint_aliases: aliases };
    for (const authentication of [tlsClientAuth(), selfSignedTlsClientAuth()]) {
      const { issuer, sent } = stub(json(tokens({ active: true })), { metadata });
      const client = { clientId: "app", authentication };
      await clientCredentialsGrant(issuer, client);
      await revokeToken(issuer, client, "token");
      await introspectToken(issuer, client, "token");
      assert.deepEqual(sent.map(({ url }) => url), [
        ...Object.values(aliases),
        ENDPOINTS.introspection_endpoint,
      ]);
      assert.ok(
        sent.every(({ form, headers }) => form.get("client_id") === "app" && !headers.has("authorization")),
      );
    }
    const { issuer, sent } = stub(json(tokens()), { metadata });
    await clientCredentialsGrant(issuer, service);
    assert.equal(sent[0].url, "https://as.test/token");
  });

  it("P8 by an assertion is about itself, good for a minute and used once; P9 it is made out to the issuer alone", async () => {
    const key = await generateSigningKey();
    const metadata = { ...ENDPOINTS, device_authorization_endpoint: "https://as.test/device" };
    for (const authentication of [privateKeyJwt(key), clientSecretJwt("s".repeat(32))]) {
      const { issuer, sent, clock } = stub(json(tokens({ active: true })), { metadata });
      const client = { clientId: "app", authentication };
      await clientCredentialsGrant(issuer, client);
      await introspectToken(issuer, client, "token");
      await revokeToken(issuer, client, "token");
      await deviceAuthorization(issuer, client).catch(() => {});
      const seen = new Set<string>();
      for (const { form } of sent) {
        const { header, claims } = decoded(form.get("client_assertion")!);
        const { jti, ...rest } = claims;
        seen.add(jti);
        const now = clock.now() / 1000;
        assert.equal(header.typ, "client-authentication+jwt");
        assert.deepEqual(rest, { iss: "app", sub: "app", aud: "https://as.test", iat: now, exp: now + 60 });
      }
      assert.deepEqual([seen.size, sent.length], [4, 4]);
    }
  });

  it("P9 is made out to the issuer as one text, or to the token endpoint where a server is known to want that", async () => {
    const authentication = privateKeyJwt(await generateSigningKey());
    for (const quirks of [[], ["assertion-audience-token-endpoint"]] as const) {
      const { issuer, sent, met } = stub(json(tokens()), { quirks });
      await clientCredentialsGrant(issuer, { clientId: "app", authentication });
      const { aud } = decoded(sent[0].form.get("client_assertion")!).claims;
      assert.equal(aud, quirks.length > 0 ? "https://as.test/token" : "https://as.test");
      assert.deepEqual(met, [...quirks]);
    }
  });
});

describe("a JWT of the server", () => {
  it("P15 is verified by an algorithm of ours with a key of the issuer; its header chooses among them and does nothing else", async () => {
    const secret = { ...service, authentication: clientSecretBasic("service-secret") };
    const header = (members: Record<string, unknown>) => ({ type: "id_token", header: members }) as const;
    const evil = {
      jku: "https://evil.test/jwks",
      x5u: "https://evil.test/x5c",
      jwk: (await generateSigningKey()).publicJwk,
    };
    const faults = [
      { type: "id_token", signature: "none" },
      { type: "id_token", signature: "client-secret" },
      { ...header(evil), signature: "stranger" },
      { type: "id_token", signature: "garbage" },
      ...[{ crit: ["exp"] }, { kid: "../../etc/passwd" }, { kid: "key-2" }, { kid: 1 }].map(header),
    ] as const;
    for (const fault of faults) {
      const there = await world();
      there.server.fault("token", fault);
      await refusedWith("invalid_response", signIn(there, { client: secret }), JSON.stringify(fault));
      assert.ok(there.server.requests.every(({ url }) => url.startsWith("https://as.test/")));
    }
    const there = await world();
    there.server.fault("token", header(evil));
    assert.ok((await signIn(there, { client: secret })).claims);
    assert.ok(there.server.requests.every(({ url }) => url.startsWith("https://as.test/")));
  });
});
