import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { claimsOf } from "../jwt.ts";
import { clientSecretBasic } from "../../lib/oauth/client_authentication.ts";
import { type DpopKey, dpopKey } from "../../lib/oauth/dpop.ts";
import { authorizationRequest } from "../../lib/oauth/grants/authorization_code.ts";
import { clientCredentialsGrant } from "../../lib/oauth/grants/client_credentials.ts";
import { passwordGrant } from "../../lib/oauth/grants/password.ts";
import { refreshTokenGrant } from "../../lib/oauth/grants/refresh_token.ts";
import { userInfo } from "../../lib/oauth/user_info.ts";
import { fakeClock } from "../fake_clock.ts";
import { base64url } from "../testing/support.ts";
import { assertHides, failureOf, json, stub, tokens, world } from "./support.ts";

const clock = fakeClock();
const ada = { username: "ada", password: "lovelace" };

// deno-lint-ignore no-explicit-any
function headerOf(jwt: string): any {
  return JSON.parse(atob(jwt.split(".")[0].replace(/-/g, "+").replace(/_/g, "/")));
}

async function isSigned(jwt: string): Promise<boolean> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("jwk", headerOf(jwt).jwk, algorithm, false, ["verify"]);
  const [header, claims, signature] = jwt.split(".");
  const bytes = Uint8Array.from(
    atob(signature.replace(/-/g, "+").replace(/_/g, "/")),
    (one) => one.charCodeAt(0),
  );
  return await crypto.subtle.verify(algorithm, key, bytes, new TextEncoder().encode(`${header}.${claims}`));
}

async function hash(text: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));
}

/** The `nonce` of the proof that goes to `url`. */
async function nonceAt(key: DpopKey, url: string): Promise<unknown> {
  return claimsOf(await key.proof({ method: "POST", url, clock })).nonce;
}

function nonce(...values: string[]): Headers {
  return new Headers(values.map((value) => ["dpop-nonce", value] as [string, string]));
}

describe("a DPoP proof", () => {
  it("is signed with the key that it shows, and has what RFC 9449 section 4.2 asks for (P1)", async () => {
    const key = await dpopKey();
    const url = "https://as.test/token?a=b#c";
    const proof = await key.proof({ method: "post", url, clock });
    const { jwk, ...header } = headerOf(proof);
    assert.deepEqual(header, { alg: "ES256", typ: "dpop+jwt" });
    assert.deepEqual(Object.keys(jwk).sort(), ["crv", "kty", "x", "y"]);
    const { jti, ...claims } = claimsOf(proof);
    assert.match(jti, /^[\w-]{36}$/);
    assert.deepEqual(claims, { htm: "POST", htu: "https://as.test/token", iat: clock.now() / 1000 });
    assert.ok(await isSigned(proof));
  });

  it("shows no private member of the key, and is never the same twice (P1)", async () => {
    const first = await dpopKey();
    const keys = [
      first,
      await dpopKey(await first.export()),
      await dpopKey({ ...await first.export(), kid: "k" } as JsonWebKey),
    ];
    const seen = new Set<string>();
    for (const key of keys) {
      const { d } = await key.export();
      for (let count = 0; count < 20; count++) {
        const proof = await key.proof({ method: "GET", url: "https://api.test/", clock, accessToken: "t" });
        seen.add(claimsOf(proof).jti);
        assert.deepEqual(Object.keys(headerOf(proof)).sort(), ["alg", "jwk", "typ"]);
        assert.deepEqual(Object.keys(headerOf(proof).jwk).sort(), ["crv", "kty", "x", "y"]);
      }
      assertHides(key, d);
    }
    assert.equal(seen.size, 60);
  });

  it("for an API has the hash of the access token (P5)", async () => {
    const key = await dpopKey();
    const proof = await key.proof({ method: "GET", url: "https://api.test/", clock, accessToken: "token" });
    assert.equal(claimsOf(proof).ath, await hash("token"));
  });
});

describe("a DPoP key", () => {
  it("comes back from its export, so that a refresh keeps it (P3)", async () => {
    const key = await dpopKey();
    const kept = JSON.parse(JSON.stringify(await key.export()));
    const again = await dpopKey(kept);
    assert.equal(again.thumbprint, key.thumbprint);
    assert.deepEqual(await again.export(), kept);
    assert.match(key.thumbprint, /^[\w-]{43}$/);
    assert.notEqual((await dpopKey()).thumbprint, key.thumbprint);
  });

  it("is not made of a public key", async () => {
    const { d: _, ...publicHalf } = await (await dpopKey()).export();
    assert.equal((await failureOf(dpopKey(publicHalf))).code, "invalid_argument");
  });

  it("keeps the newest nonce of each origin, and of no other (P4)", async () => {
    const key = await dpopKey();
    key.remember("https://as.test/token", nonce("one"));
    key.remember("https://as.test/other", nonce("two"));
    key.remember("https://api.test/", nonce("three"));
    assert.equal(await nonceAt(key, "https://as.test/token"), "two");
    assert.equal(await nonceAt(key, "https://api.test/things"), "three");
    assert.equal(await nonceAt(key, "https://as.test:8443/token"), undefined);
    key.remember("https://as.test/token", new Headers());
    assert.equal(await nonceAt(key, "https://as.test/token"), "two");
  });

  it("takes no nonce that is none, and not two at once (P4)", async () => {
    const key = await dpopKey();
    for (
      const bad of [
        nonce("one", "two"),
        nonce('quo"te'),
        nonce("back\\slash"),
        nonce("blank blank"),
        nonce(""),
      ]
    ) {
      key.remember("https://as.test/", bad);
      assert.equal(await nonceAt(key, "https://as.test/"), undefined);
    }
  });

  it("remembers no more than 100 origins, the last ones (P4)", async () => {
    const key = await dpopKey();
    key.remember("https://first.test/", nonce("first"));
    for (let count = 0; count < 99; count++) key.remember(`https://${count}.test/`, nonce("n"));
    for (let count = 0; count < 10; count++) key.remember("https://first.test/", nonce(`first-${count}`));
    assert.equal(await nonceAt(key, "https://0.test/"), "n");
    key.remember("https://one-more.test/", nonce("more"));
    assert.equal(await nonceAt(key, "https://0.test/"), undefined);
    assert.equal(await nonceAt(key, "https://first.test/"), "first-9");
  });
});

describe("a token request with a DPoP key", () => {
  it("gets a token that is bound to the key (P2)", async () => {
    const dpop = await dpopKey();
    const { server, issuer } = await world();
    const tokens = await passwordGrant(issuer, { clientId: "app", dpop }, ada);
    assert.equal(tokens.tokenType, "DPoP");
    assert.equal(claimsOf(tokens.accessToken).cnf.jkt, dpop.thumbprint);
    assert.equal(claimsOf(server.requests[0].headers.get("dpop")!).htu, "https://as.test/token");
  });

  it("meets a demand for a nonce once, and keeps to the nonces of good answers from then on (P4)", async () => {
    const dpop = await dpopKey();
    const { server, issuer } = await world({ requireDpopNonce: true });
    const client = { clientId: "app", dpop };
    await passwordGrant(issuer, client, ada);
    assert.deepEqual(server.requests.map(({ status }) => status), [400, 200]);
    // the next answers bring new nonces along: nobody has to be asked twice
    for (let count = 0; count < 3; count++) {
      server.rotateDpopNonces();
      await passwordGrant(issuer, client, ada);
    }
    assert.equal(server.count("token"), 5);
  });

  it("stops after the second demand for a nonce (P4)", async () => {
    const { issuer, sent } = stub(() =>
      json({ error: "use_dpop_nonce" }, 400, { "dpop-nonce": crypto.randomUUID() })
    );
    const error = await failureOf(passwordGrant(issuer, { clientId: "app", dpop: await dpopKey() }, ada));
    assert.deepEqual([error.code, error.serverError, sent.length], ["server_refused", "use_dpop_nonce", 2]);
    const proofs = sent.map(({ headers }) => claimsOf(headers.get("dpop")!));
    assert.deepEqual([typeof proofs[0].nonce, typeof proofs[1].nonce], ["undefined", "string"]);
    assert.notEqual(proofs[0].jti, proofs[1].jti);
  });

  it("repeats nothing without a nonce, for another error, or without a key (P4)", async () => {
    const dpop = await dpopKey();
    const cases = [
      [{ clientId: "app", dpop }, json({ error: "use_dpop_nonce" }, 400)],
      [{ clientId: "app", dpop }, json({ error: "invalid_grant" }, 400, { "dpop-nonce": "n" })],
      [{ clientId: "app", dpop }, json({ error: "use_dpop_nonce" }, 503, { "dpop-nonce": "n" })],
      [{ clientId: "app" }, json({ error: "use_dpop_nonce" }, 400, { "dpop-nonce": "n" })],
    ] as const;
    for (const [client, reply] of cases) {
      const { issuer, sent } = stub(reply);
      await failureOf(passwordGrant(issuer, client, ada));
      assert.equal(sent.length, 1);
    }
  });

  it("refuses a Bearer token, without a word of it (P2)", async () => {
    const { issuer } = stub(json(tokens({ refresh_token: "refresh-canary" })));
    const error = await failureOf(passwordGrant(issuer, { clientId: "app", dpop: await dpopKey() }, ada));
    assert.equal(error.code, "invalid_response");
    assert.match(error.message, /of type Bearer, not DPoP/);
    assertHides(error, "access-canary", "refresh-canary");
  });

  it("is not there when nobody asked for one, and then a DPoP token is refused (P2)", async () => {
    const { issuer, sent } = stub(json(tokens({ token_type: "DPoP" })));
    const error = await failureOf(passwordGrant(issuer, { clientId: "app" }, ada));
    assert.equal(error.code, "invalid_response");
    assert.equal(sent[0].headers.get("dpop"), null);
    assertHides(error, "access-canary");
  });

  it("of a public client refreshes with the same key only (P3)", async () => {
    const { issuer, server } = await world();
    const dpop = await dpopKey();
    const first = await passwordGrant(issuer, { clientId: "app", dpop }, { ...ada, scope: "openid" });
    const refreshToken = first.refreshToken!;
    const again = await dpopKey(await dpop.export());
    const second = await refreshTokenGrant(issuer, { clientId: "app", dpop: again }, { refreshToken });
    assert.equal(claimsOf(second.accessToken).cnf.jkt, dpop.thumbprint);
    const stranger = { clientId: "app", dpop: await dpopKey() };
    const other = await failureOf(
      refreshTokenGrant(issuer, stranger, { refreshToken: second.refreshToken! }),
    );
    assert.equal(other.serverError, "invalid_grant");
    assert.equal(server.count("token", "refresh_token"), 2);
  });

  it("says in the authorization request which key it will be, openly and pushed (P6)", async () => {
    const dpop = await dpopKey();
    const { server, issuer } = await world();
    for (const pushed of [false, true]) {
      server.clearRequests();
      const parameters = { redirectUri: "http://127.0.0.1/", scope: "openid", pushed };
      const request = await authorizationRequest(issuer, { clientId: "app", dpop }, parameters);
      const sent = pushed ? server.requests[0].parameters : new URL(request.url).searchParams;
      assert.equal(sent.get("dpop_jkt"), dpop.thumbprint);
      const { tokenType } = await request.redeem(await server.authorize(request.url));
      assert.equal(tokenType, "DPoP");
    }
  });

  it("asks for the user's data with the token and a proof, and meets a demand for a nonce there (P5)", async () => {
    const dpop = await dpopKey();
    const { server, issuer } = await world({ requireDpopNonce: true });
    const client = { clientId: "app", dpop };
    const { accessToken } = await passwordGrant(issuer, client, { ...ada, scope: "openid" });
    server.clearRequests();
    dpop.remember("https://as.test/", nonce("stale"));
    assert.equal(typeof (await userInfo(issuer, client, accessToken)).sub, "string");
    assert.deepEqual(server.requests.map(({ status }) => status), [401, 200]);
    const { headers } = server.requests[1];
    assert.equal(headers.get("authorization"), `DPoP ${accessToken}`);
    const { ath, htm, htu } = claimsOf(headers.get("dpop")!);
    assert.deepEqual([ath, htm, htu], [await hash(accessToken), "GET", "https://as.test/userinfo"]);
  });

  it("sends the client's proof of who it is anew with the nonce", async () => {
    const { issuer, sent } = stub([
      json({ error: "use_dpop_nonce" }, 400, { "dpop-nonce": "n" }),
      json(tokens({ token_type: "DPoP" })),
    ]);
    const client = { clientId: "c", authentication: clientSecretBasic("secret"), dpop: await dpopKey() };
    await clientCredentialsGrant(issuer, client);
    assert.deepEqual(sent.map(({ headers }) => headers.has("authorization")), [true, true]);
    assert.deepEqual(sent[0].form.toString(), sent[1].form.toString());
  });
});
