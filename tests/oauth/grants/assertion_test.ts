import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { claimsOf } from "../../jwt.ts";
import { clientSecretBasic } from "../../../lib/oauth/client_authentication.ts";
import { jwtBearerGrant, samlBearerGrant, signAssertion } from "../../../lib/oauth/grants/assertion.ts";
import { generateSigningKey, signingKey } from "../../../lib/oauth/signing_key.ts";
import { assertHides, failureOf, json, stub, tokens, world } from "../support.ts";

const service = { clientId: "service", authentication: clientSecretBasic("service-secret") };
const JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl";

describe("the JWT bearer grant", () => {
  it("gives a token for what a trusted issuer signed (P10)", async () => {
    const key = await generateSigningKey();
    const trustedIssuers = [{ issuer: "https://idp.test", jwks: { keys: [key.publicJwk!] } }];
    const { server, issuer, clock } = await world({ trustedIssuers });
    const assertion = await signAssertion(key, {
      issuer: "https://idp.test",
      subject: "ada",
      audience: issuer.issuer,
      now: clock.now() / 1000,
    });
    const { accessToken, scope } = await jwtBearerGrant(issuer, service, { assertion, scope: "read" });
    assert.equal(claimsOf(accessToken).sub, "ada");
    assert.equal(scope, "read");
    const form = server.requests[0].parameters;
    assert.deepEqual(form.getAll("assertion"), [assertion]);
    assert.equal(form.get("grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
  });

  for (
    const assertion of ["", "a.b", "a.b.c.d", `${JWT}\n`, `Bearer ${JWT}`, "eyJh.eyJz.", `${JWT},${JWT}`]
  ) {
    it(`is refused for ${JSON.stringify(assertion.slice(-20))}, with nothing sent (P10)`, async () => {
      const { issuer, sent } = stub(json(tokens()));
      const error = await failureOf(jwtBearerGrant(issuer, service, { assertion }));
      assert.equal(error.code, "invalid_argument");
      assert.deepEqual(sent, []);
      if (assertion !== "") assertHides(error, assertion.trim());
    });
  }

  it("sends its own assertion alone, whatever else the server asks for (P10)", async () => {
    const { issuer, sent } = stub(json(tokens()));
    const extra = { assertion: "another", grant_type: "password", foo: "bar" };
    await jwtBearerGrant(issuer, service, { assertion: JWT, extra });
    const { form } = sent[0];
    assert.deepEqual([form.getAll("assertion"), form.get("foo")], [[JWT], "bar"]);
    assert.deepEqual(form.getAll("grant_type"), ["urn:ietf:params:oauth:grant-type:jwt-bearer"]);
  });

  it("gives the claims of an ID token that comes along, and takes none that is wrong", async () => {
    const signs = await generateSigningKey();
    for (const [audience, subject] of [["service", "ada"], ["other", undefined]] as const) {
      const { issuer } = stub(async ({ url }) => {
        if (url.endsWith("/jwks")) return json({ keys: [signs.publicJwk] });
        const about = {
          issuer: "https://as.test",
          subject: "ada",
          audience,
          now: Date.UTC(2026, 0, 1) / 1000,
        };
        return json(tokens({ id_token: await signAssertion(signs, about) }));
      }, { metadata: { id_token_signing_alg_values_supported: ["ES256"] } });
      const asked = jwtBearerGrant(issuer, service, { assertion: JWT, scope: "openid" });
      if (subject) assert.equal((await asked).claims?.sub, subject);
      else assert.equal((await failureOf(asked)).code, "invalid_response");
    }
  });

  it("does not show an assertion that the server quotes when it refuses it (P10)", async () => {
    const { issuer } = stub(({ form }) =>
      json({ error: "invalid_grant", error_description: `who signed ${form.get("assertion")}?` }, 400)
    );
    const error = await failureOf(jwtBearerGrant(issuer, service, { assertion: JWT }));
    assert.deepEqual([error.code, error.serverDescription], ["server_refused", "who signed …?"]);
    assertHides(error, JWT);
  });
});

describe("the SAML bearer grant", () => {
  const xml =
    `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><saml:Issuer>https://idp.test</saml:Issuer>` +
    `<saml:Subject><saml:NameID>Zoë ⊕ ada</saml:NameID></saml:Subject>` +
    `<saml:Conditions NotOnOrAfter="2026-01-01T00:05:00Z"><saml:Audience>https://as.test</saml:Audience></saml:Conditions>` +
    `</saml:Assertion>`;

  it("sends the assertion as base64url of its UTF-8, without padding, and gets a token", async () => {
    const { server, issuer } = await world();
    const { accessToken } = await samlBearerGrant(issuer, service, { assertion: xml });
    const { body, parameters } = server.requests[0];
    const sent = parameters.get("assertion")!;
    assert.match(sent, /^[\w-]+$/);
    const bytes = Uint8Array.from(
      atob(sent.replace(/-/g, "+").replace(/_/g, "/")),
      (character) => character.charCodeAt(0),
    );
    assert.equal(new TextDecoder().decode(bytes), xml);
    assert.equal(
      body,
      `assertion=${sent}&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Asaml2-bearer`,
    );
    assert.notEqual(accessToken, "");
  });
});

describe("a signed assertion", () => {
  it("says who made it about whom for whom, is good for 60 s, and never the same twice", async () => {
    const key = { ...await generateSigningKey("EdDSA"), keyId: "key-7" };
    const wanted = { issuer: "me", subject: "ada", audience: "https://as.test", now: 1000 };
    const [one, other] = [await signAssertion(key, wanted), await signAssertion(key, wanted)];
    const { jti, ...claims } = claimsOf(one);
    assert.deepEqual(claims, { iss: "me", sub: "ada", aud: "https://as.test", iat: 1000, exp: 1060 });
    assert.notEqual(jti, claimsOf(other).jti);
    const header = JSON.parse(atob(one.split(".")[0]));
    assert.deepEqual(header, { alg: "EdDSA", kid: "key-7", typ: "JWT" });
  });

  it("has further claims, which do not replace those of RFC 7523", async () => {
    const key = await signingKey(await (await generateSigningKey()).export());
    const claims = { scope: "a b", iss: "somebody else" };
    const jwt = await signAssertion(key, {
      issuer: "me",
      subject: "s",
      audience: "a",
      lifetime: 10,
      now: 5,
      claims,
    });
    const { jti: _, ...rest } = claimsOf(jwt);
    assert.deepEqual(rest, { scope: "a b", iss: "me", sub: "s", aud: "a", iat: 5, exp: 15 });
  });

  it("counts from now when nobody says otherwise", async () => {
    const before = Math.floor(Date.now() / 1000);
    const jwt = await signAssertion(await generateSigningKey(), { issuer: "i", subject: "s", audience: "a" });
    const { iat, exp } = claimsOf(jwt);
    assert.ok(iat >= before && iat <= Date.now() / 1000);
    assert.equal(exp, iat + 60);
  });
});
