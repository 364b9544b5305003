import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers";
import { systemClock } from "../../lib/clock.ts";
import { clientSecretPost } from "../../lib/oauth/client_authentication.ts";
import { authorizationRequest } from "../../lib/oauth/grants/authorization_code.ts";
import { passwordGrant } from "../../lib/oauth/grants/password.ts";
import { refreshTokenGrant } from "../../lib/oauth/grants/refresh_token.ts";
import { discover } from "../../lib/oauth/issuer.ts";
import type { IdTokenClaims, TokenSet } from "../../lib/oauth/token_set.ts";
import { authorizationServer, type Fault } from "../../lib/testing/mod.ts";
import { app, assertHides, failureOf, json, stub, type World, world } from "./support.ts";

type IdTokenFault = Omit<Extract<Fault, { type: "id_token" }>, "type">;

const ada = { username: "ada", password: "lovelace", scope: "openid" };

/** Signs in with a password, and the ID token of the answer is other than it should be. */
async function signIn(place: World, fault?: IdTokenFault): Promise<TokenSet> {
  if (fault) place.server.fault("token", { type: "id_token", ...fault });
  return await passwordGrant(place.issuer, app, ada);
}

/** Signs in with a browser, and the ID token of the answer is other than it should be. */
async function signInWithBrowser(place: World, fault?: IdTokenFault): Promise<TokenSet> {
  const redirectUri = "http://127.0.0.1:49152/callback";
  const request = await authorizationRequest(place.issuer, app, { redirectUri, scope: "openid" });
  const answer = await place.server.authorize(request.url);
  if (fault) place.server.fault("token", { type: "id_token", ...fault });
  return await request.redeem(answer);
}

const NOW = Date.UTC(2026, 0, 1) / 1000;

describe("an ID token", () => {
  it("that is right gives its claims", async () => {
    const { claims, idToken } = await signIn(await world());
    assert.equal(claims?.sub, "ada");
    assert.equal(claims?.iss, "https://as.test");
    assert.equal(claims?.name, "Ada Lovelace");
    assert.equal(idToken?.split(".").length, 3);
  });

  for (const idTokenAlg of ["RS256", "PS256", "ES256", "EdDSA"] as const) {
    it(`is verified when it is signed with ${idTokenAlg}, the hash of the access token included`, async () => {
      const place = await world({ idTokenAlg });
      const { claims } = await signIn(place);
      assert.equal(typeof claims?.at_hash, "string");
      assert.equal((await failureOf(signIn(place, { signature: "garbage" }))).code, "invalid_response");
      assert.match(
        (await failureOf(signIn(place, { claims: { at_hash: "x" } }))).message,
        /another access token/,
      );
    });
  }

  it("is signed with RS256 where the server does not say what it signs with, and with nothing else", async () => {
    for (const idTokenAlg of ["RS256", "PS256", "ES256"] as const) {
      const place = await world({ idTokenAlg });
      const { id_token_signing_alg_values_supported: _said, ...metadata } = place.issuer.metadata;
      const silent = signIn({ ...place, issuer: { ...place.issuer, metadata } });
      if (idTokenAlg === "RS256") assert.equal((await silent).claims?.sub, "ada");
      else assert.match((await failureOf(silent)).message, /unexpected JWT "alg"/);
    }
  });

  const bad: [string, IdTokenFault, RegExp?][] = [
    ["of another issuer", { claims: { iss: "https://evil.test" } }],
    ["of an issuer with a slash more", { claims: { iss: "https://as.test/" } }],
    ["without an issuer", { claims: { iss: undefined } }],
    ["for another client", { claims: { aud: "other" } }],
    ["for other clients", { claims: { aud: ["other", "another"] } }],
    ["for nobody", { claims: { aud: undefined } }],
    ["for an empty list", { claims: { aud: [] } }],
    ["for another client too, without azp", { claims: { aud: ["app", "other"] } }],
    ["for another client too, which asked for it", { claims: { aud: ["app", "other"], azp: "other" } }],
    ["signed with a key that nobody published", { signature: "stranger" }],
    ["with a signature that is wrong", { signature: "garbage" }],
    ["with alg none", { signature: "none" }],
    ["with alg none in other letters", { signature: "none", header: { alg: "None" } }],
    ["with HS256 and the client id", { signature: "client-secret" }],
    ["with another alg than the server signs with", { signature: "none", header: { alg: "RS256" } }],
    ["with a null alg", { signature: "none", header: { alg: null } }],
    ["with a critical extension", { header: { crit: ["b64"], b64: false } }],
    ["with the id of a key that is not there", { header: { kid: "unknown" } }],
    ["that is over", { claims: { exp: NOW - 31 } }],
    ["without an end", { claims: { exp: undefined } }],
    ["whose end is a text", { claims: { exp: String(NOW + 300) } }],
    ["issued more than ten minutes ago", { claims: { iat: NOW - 601 } }, /clock/],
    ["issued in the future", { claims: { iat: NOW + 61 } }, /clock/],
    ["issued at no time", { claims: { iat: undefined } }],
    ["that is not good yet", { claims: { nbf: NOW + 120 } }],
    ["about nobody", { claims: { sub: undefined } }],
    ["about an empty name", { claims: { sub: "" } }],
    ["about a number", { claims: { sub: 42 } }],
    ["about a name of 256 characters", { claims: { sub: "x".repeat(256) } }],
    ["that belongs to another access token", { claims: { at_hash: "AAAAAAAAAAAAAAAAAAAAAA" } }],
    ["whose hash of the access token is a number", { claims: { at_hash: 1 } }],
  ];
  for (const [what, fault, words] of bad) {
    it(`${what} is refused, and nothing of it is shown`, async () => {
      const place = await world();
      const error = await failureOf(
        signIn(place, { ...fault, claims: { name: "claim-canary", ...fault.claims } }),
      );
      assert.equal(error.code, "invalid_response");
      assert.equal(error.sent, true);
      if (words) assert.match(error.message, words);
      assertHides(error, "claim-canary");
    });
  }

  it("with HS256 and the client secret is refused", async () => {
    const place = await world({ clients: [{ clientId: "app", secret: "client-secret-canary" }] });
    place.server.fault("token", { type: "id_token", signature: "client-secret" });
    const client = { ...app, authentication: clientSecretPost("client-secret-canary") };
    assert.equal((await failureOf(passwordGrant(place.issuer, client, ada))).code, "invalid_response");
  });

  const good: [string, IdTokenFault][] = [
    ["for this client in a list", { claims: { aud: ["app"] } }],
    ["for another client too, which this one asked for", { claims: { aud: ["app", "other"], azp: "app" } }],
    ["issued ten minutes ago", { claims: { iat: NOW - 600 } }],
    ["from a clock that is a minute fast", { claims: { iat: NOW + 60 } }],
    ["that ended 29 s ago", { claims: { exp: NOW - 29 } }],
    ["about a name of 255 characters", { claims: { sub: "x".repeat(255) } }],
    ["without the hash of the access token", { claims: { at_hash: undefined } }],
    ["without the id of its key", { header: { kid: undefined } }],
  ];
  for (const [what, fault] of good) {
    it(`${what} is taken`, async () => {
      assert.ok((await signIn(await world(), fault)).claims);
    });
  }

  for (
    const [what, nonce] of [["another nonce", "other"], ["no nonce", undefined], [
      "a nonce that is a number",
      1,
    ]]
  ) {
    it(`with ${what} is refused after a sign-in with a browser`, async () => {
      const place = await world();
      assert.ok((await signInWithBrowser(place)).claims?.nonce);
      const error = await failureOf(signInWithBrowser(place, { claims: { nonce } }));
      assert.equal(error.code, "invalid_response");
    });
  }

  it("must be there after a sign-in with a browser for openid", async () => {
    for (const members of [{ id_token: undefined }, { id_token: "" }]) {
      const place = await world();
      place.server.fault("token", { type: "merge", members });
      assert.equal((await failureOf(signInWithBrowser(place))).code, "invalid_response");
    }
  });

  it("that is no JWT is refused", async () => {
    for (const id_token of ["x", "a.b.c", "a.b.c.d.e", "..", "e30.e30.", 42]) {
      const place = await world();
      place.server.fault("token", { type: "merge", members: { id_token } });
      assert.equal((await failureOf(passwordGrant(place.issuer, app, ada))).code, "invalid_response");
    }
  });

  it("is refused by a machine whose clock is a day wrong, with that as the reason", async () => {
    const server = await authorizationServer({ clock: systemClock });
    for (const error of [86_400_000, -86_400_000]) {
      const clock = { ...systemClock, now: () => Date.now() + error };
      const issuer = await discover(server.issuer, { fetch: server.fetch, clock });
      const thrown = await failureOf(passwordGrant(issuer, app, ada));
      assert.equal(thrown.code, "invalid_response");
      assert.match(thrown.message, error > 0 ? /expiration/ : /in the future; check this machine's clock/);
    }
  });

  it("may differ in the last slash of its issuer with the quirk that is named so", async () => {
    const place = await world({ quirks: ["issuer-trailing-slash"] });
    assert.ok((await signIn(place, { claims: { iss: "https://as.test/" } })).claims);
    assert.deepEqual(place.met, ["issuer-trailing-slash"]);
    for (const iss of ["https://as.test//", "https://AS.test", "https://as.test/x", "https://evil.test/"]) {
      for (const there of [place, await world({ quirks: ["issuer-trailing-slash"] })]) {
        assert.equal((await failureOf(signIn(there, { claims: { iss } }))).code, "invalid_response");
      }
    }
    const iam = await world({ flavor: "indigo-iam", quirks: ["issuer-trailing-slash"] });
    assert.equal((await signIn(iam)).claims?.iss, "https://as.test/");
  });
});

describe("a refreshed ID token", () => {
  /** Refreshes, and the new ID token has other claims. */
  async function refresh(
    claims: Record<string, unknown>,
    before: Partial<IdTokenClaims> = {},
  ): Promise<TokenSet> {
    const place = await world();
    const { refreshToken, claims: first } = await signIn(place);
    place.server.fault("token", { type: "id_token", claims });
    const earlier = { ...first, ...before } as IdTokenClaims;
    return await refreshTokenGrant(place.issuer, app, { refreshToken: refreshToken!, claims: earlier });
  }

  it("about the same person is taken", async () => {
    assert.equal((await refresh({})).claims?.sub, "ada");
  });

  it("about another person is refused", async () => {
    assert.match((await failureOf(refresh({ sub: "eve" }))).message, /somebody else/);
  });

  it("from another issuer is refused", async () => {
    assert.equal((await failureOf(refresh({ iss: "https://evil.test" }))).code, "invalid_response");
    assert.match((await failureOf(refresh({}, { iss: "https://was.test" }))).message, /somebody else/);
  });

  it("with the nonce of the sign-in is taken, with another one refused", async () => {
    assert.ok((await refresh({ nonce: "n" }, { nonce: "n" })).claims);
    assert.equal((await failureOf(refresh({ nonce: "m" }, { nonce: "n" }))).code, "invalid_response");
    assert.equal((await failureOf(refresh({ nonce: "m" }))).code, "invalid_response");
  });

  it("may say when the person signed in, where the first one did not", async () => {
    assert.ok((await refresh({ auth_time: NOW - 60 }, { auth_time: undefined })).claims);
    assert.equal((await failureOf(refresh({ auth_time: NOW - 60 }))).code, "invalid_response");
  });

  it("may be left out", async () => {
    const place = await world();
    const { refreshToken, claims } = await signIn(place);
    place.server.fault("token", { type: "merge", members: { id_token: undefined } });
    const tokens = await refreshTokenGrant(place.issuer, app, {
      refreshToken: refreshToken!,
      claims,
      grantedScope: "openid",
    });
    assert.equal(tokens.claims, undefined);
    assert.deepEqual(place.met, []);
  });
});

describe("the issuer's keys", () => {
  it("are fetched once for many", async () => {
    const place = await world();
    // The one answer comes when everybody has asked.
    place.server.fault("jwks", { type: "delay", milliseconds: 1000, before: "answer" }, { times: Infinity });
    const all = Promise.all(Array.from({ length: 100 }, () => signIn(place)));
    const answered = () => place.server.requests.filter(({ status }) => status === 200).length;
    while (answered() < 100) await new Promise((resolve) => setImmediate(resolve));
    await place.clock.advance(1000);
    assert.ok((await all).every(({ claims }) => claims));
    assert.equal(place.server.count("jwks"), 1);
    await signIn(place);
    assert.equal(place.server.count("jwks"), 1);
  });

  it("are fetched once for those who come one by one, while they come and afterwards", async () => {
    const place = await world();
    const signIns = [];
    for (let count = 0; count < 100; count++) {
      signIns.push(signIn(place));
      // now before, now after whatever is under way goes on
      if (count % 2) await new Promise((resolve) => setImmediate(resolve));
      else await Promise.resolve();
    }
    assert.ok((await Promise.all(signIns)).every(({ claims }) => claims));
    assert.equal(place.server.count("jwks"), 1);
  });

  it("are fetched anew by whoever waits for somebody who has left, as a Worker's visitor does", async () => {
    const { server, issuer, clock } = await world();
    let asked = 0;
    const fetch = (url: string, init: RequestInit) =>
      url.endsWith("/jwks") && ++asked === 1 ? new Promise<never>(() => {}) : server.fetch(url, init);
    let sleeps: () => void;
    const relying = new Promise<void>((resolve) => sleeps = resolve);
    // nothing else sleeps for so long
    const sleep: typeof clock.sleep = (milliseconds, signal) => {
      if (milliseconds === 5000) sleeps();
      return clock.sleep(milliseconds, signal);
    };
    const place = { ...issuer, http: { ...issuer.http, fetch, clock: { ...clock, sleep } } };
    passwordGrant(place, app, ada).catch(() => {});
    while (asked === 0) await new Promise((resolve) => setImmediate(resolve));
    const other = passwordGrant(place, app, ada);
    await Promise.race([relying, other]);
    await clock.advance(5000);
    assert.equal((await other).claims?.sub, "ada");
    assert.equal(asked, 2);
  });

  it("are fetched by each client through its own transport, not through that of the first who asked", async () => {
    const { server, issuer } = await world();
    const closed = (url: string, init: RequestInit) =>
      url.endsWith("/jwks") ? Promise.resolve(new Response(null, { status: 407 })) : server.fetch(url, init);
    const error = await failureOf(passwordGrant(issuer, { ...app, fetch: closed }, ada));
    assert.equal(error.status, 407);
    const open = (url: string, init: RequestInit) => server.fetch(url, init);
    assert.ok((await passwordGrant(issuer, { ...app, fetch: open }, ada)).claims);
  });

  it("are fetched again when the network fails", async () => {
    const place = await world();
    place.server.fault("jwks", { type: "reset" });
    const failed = place.server.nextRequest("jwks");
    const signedIn = signIn(place);
    await failed;
    await place.clock.untilWaiting();
    await place.clock.advance(5000);
    assert.ok((await signedIn).claims);
    assert.equal(place.server.count("jwks"), 2);
  });

  for (
    const [what, fault, code] of [
      ["not there", { type: "status", status: 404 }, "server_refused"],
      ["a web page", { type: "body", body: "<html>" }, "invalid_response"],
      ["no list", { type: "body", body: '{"keys":{}}' }, "invalid_response"],
      ["not an object", { type: "body", body: "[]" }, "invalid_response"],
      ["no keys", { type: "body", body: '{"keys":[]}' }, "invalid_response"],
      [
        "redirected",
        { type: "status", status: 302, headers: { location: "https://evil.test/" } },
        "invalid_response",
      ],
      [
        "longer than 512 KiB",
        { type: "body", body: `{"keys":[],"x":"${"x".repeat(512 * 1024)}"}` },
        "invalid_response",
      ],
    ] as [string, Fault, string][]
  ) {
    it(`lead to a refusal when they are ${what}`, async () => {
      const place = await world();
      place.server.fault("jwks", fault, { times: Infinity });
      assert.equal((await failureOf(signIn(place))).code, code);
    });
  }

  it("are read up to 512 KiB", async () => {
    const place = await world();
    const [key] = place.server.jwks.keys;
    for (const length of [500 * 1024, 512 * 1024]) {
      place.server.fault("jwks", {
        type: "body",
        body: JSON.stringify({ keys: [key], x: "x".repeat(length) }),
      }, { times: Infinity });
      // what was fetched once is kept with the metadata
      const fresh = { ...place, issuer: { ...place.issuer, metadata: { ...place.issuer.metadata } } };
      if (length < 512 * 1024) assert.ok((await signIn(fresh)).claims);
      else assert.match((await failureOf(signIn(fresh))).message, /longer than 524288 bytes/);
      place.server.clearFaults();
    }
  });

  it("lead to a refusal, not to a fault, when one of them is malformed", async () => {
    const place = await world();
    const [key] = place.server.jwks.keys;
    for (const broken of [{ ...key, x: "AAAA" }, { ...key, y: undefined }, { ...key, x: 1 }]) {
      const again = await world();
      const signed = await passwordGrant(place.issuer, app, ada);
      again.server.fault("jwks", { type: "body", body: JSON.stringify({ keys: [broken] }) });
      again.server.fault("token", {
        type: "merge",
        members: { id_token: signed.idToken, access_token: signed.accessToken },
      });
      const error = await failureOf(passwordGrant(again.issuer, app, ada));
      assert.equal(error.code, "invalid_response");
    }
  });

  for (const jwks_uri of [undefined, "http://as.test/jwks", "/jwks", 42]) {
    it(`lead to a refusal when the metadata has ${jwks_uri} for their place`, async () => {
      const place = await world();
      const { idToken, accessToken } = await signIn(place);
      const answer = { access_token: accessToken, token_type: "Bearer", expires_in: 300, id_token: idToken };
      const { issuer, sent } = stub(json(answer), {
        metadata: { jwks_uri: jwks_uri as string, id_token_signing_alg_values_supported: ["ES256"] },
      });
      assert.equal((await failureOf(passwordGrant(issuer, app, ada))).code, "invalid_metadata");
      assert.equal(sent.length, 1);
    });
  }
});
