import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { claimsOf } from "../jwt.ts";
import {
  type AuthorizationServer,
  authorizationServer,
  type AuthorizationServerOptions,
} from "../../lib/testing/mod.ts";
import { fakeClock } from "../fake_clock.ts";
import { base64url, basic, keyPair, post, signed } from "./support.ts";

const credentials = basic("service", "service-secret");

async function request(
  server: AuthorizationServer,
  grant_type: string,
  parameters: Record<string, string> | [string, string][] = {},
) {
  const entries = Array.isArray(parameters) ? parameters : Object.entries(parameters);
  return (await post(server, "/token", [["grant_type", grant_type], ...entries], credentials)).json;
}

describe("the password grant", () => {
  it("wants the right name and password", async () => {
    const server = await authorizationServer();
    const good = { username: "ada", password: "lovelace", scope: "openid" };
    const answer = await request(server, "password", good);
    assert.equal(claimsOf(answer.id_token).sub, "ada");
    assert.ok(answer.refresh_token);
    assert.equal((await request(server, "password", { ...good, password: "x" })).error, "invalid_grant");
  });
});

describe("the client credentials grant", () => {
  it("gives an access token alone, for the client itself", async () => {
    const server = await authorizationServer({ accessTokenLifetime: 60 });
    const answer = await request(server, "client_credentials", { scope: "openid" });
    assert.deepEqual(Object.keys(answer).sort(), ["access_token", "expires_in", "scope", "token_type"]);
    assert.deepEqual([answer.expires_in, claimsOf(answer.access_token).sub], [60, "service"]);
  });

  it("gives opaque tokens where those are wanted", async () => {
    const server = await authorizationServer({ jwtAccessTokens: false });
    assert.doesNotMatch((await request(server, "client_credentials")).access_token, /\./);
  });
});

describe("the audience", () => {
  const targets: [string, string][] = [
    ["resource", "https://a.test/"],
    ["resource", "https://b.test/"],
    ["audience", "c"],
  ];
  for (
    const [audienceDialect, expected] of [
      ["resource", ["https://a.test/", "https://b.test/"]],
      ["audience", "c"],
      ["both", ["https://a.test/", "https://b.test/", "c"]],
      ["ignore", "https://as.test/api"],
    ] as const
  ) {
    it(`follows the dialect: ${audienceDialect}`, async () => {
      const server = await authorizationServer({ audienceDialect });
      const { access_token } = await request(server, "client_credentials", targets);
      assert.deepEqual(claimsOf(access_token).aud, expected);
    });
  }

  it("is an absolute URI without a fragment when it is a resource", async () => {
    const server = await authorizationServer();
    for (const resource of ["a", "https://a.test/#b"]) {
      assert.equal((await request(server, "client_credentials", { resource })).error, "invalid_target");
    }
  });
});

describe("token exchange", () => {
  const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
  const TYPE = "urn:ietf:params:oauth:token-type:";
  const subject = (token: unknown, type = "access_token") => ({
    subject_token: String(token),
    subject_token_type: TYPE + type,
  });

  it("trades a token for one with another audience and less scope", async () => {
    const server = await authorizationServer();
    const { access_token } = await server.issue({ scope: "openid roles" });
    const answer = await request(server, EXCHANGE, {
      ...subject(access_token),
      audience: "x",
      scope: "roles",
    });
    assert.equal(answer.issued_token_type, `${TYPE}access_token`);
    const { sub, aud, scope } = claimsOf(answer.access_token);
    assert.deepEqual([sub, aud, scope], ["ada", "x", "roles"]);
    const more = await request(server, EXCHANGE, { ...subject(access_token), scope: "admin" });
    assert.equal(more.error, "invalid_scope");
  });

  it("names who acts for whom", async () => {
    const server = await authorizationServer();
    const { id_token } = await server.issue();
    const { access_token } = await server.issue({ subject: "robot" });
    const answer = await request(server, EXCHANGE, {
      ...subject(id_token, "id_token"),
      actor_token: String(access_token),
      actor_token_type: `${TYPE}access_token`,
    });
    assert.deepEqual(claimsOf(answer.access_token).act, { sub: "robot" });
  });

  it("issues what type is wanted", async () => {
    const server = await authorizationServer();
    const { refresh_token } = await server.issue();
    const asked = (type: string) =>
      request(server, EXCHANGE, {
        ...subject(refresh_token, "refresh_token"),
        requested_token_type: TYPE + type,
      });
    const idToken = await asked("id_token");
    assert.deepEqual([idToken.token_type, claimsOf(idToken.access_token).aud], ["N_A", "service"]);
    const refreshToken = await asked("refresh_token");
    assert.equal(refreshToken.issued_token_type, `${TYPE}refresh_token`);
    const refreshed = await request(server, "refresh_token", { refresh_token: refreshToken.access_token });
    assert.ok(refreshed.access_token);
    assert.equal((await asked("saml2")).error, "invalid_request");
  });

  it("takes JWTs of issuers that it trusts", async () => {
    const other = await authorizationServer({ issuer: "https://ci.test" });
    const foreign = subject((await other.issue({ subject: "repo:main" })).id_token, "jwt");
    const trusting = await authorizationServer({
      trustedIssuers: [{ issuer: other.issuer, jwks: other.jwks }],
    });
    assert.equal(claimsOf((await request(trusting, EXCHANGE, foreign)).access_token).sub, "repo:main");
    assert.equal((await request(await authorizationServer(), EXCHANGE, foreign)).error, "invalid_request");
  });

  it("refuses what does not go together", async () => {
    const clock = fakeClock();
    const server = await authorizationServer({ clock });
    const { access_token } = await server.issue();
    const good = subject(access_token);
    const actorType = { actor_token_type: `${TYPE}access_token` };
    for (
      const bad of [
        { subject_token: good.subject_token },
        { ...good, subject_token_type: "access_token" },
        { ...good, subject_token_type: `${TYPE}refresh_token` },
        { ...good, subject_token: "x" },
        { ...good, ...actorType },
        { ...good, actor_token: good.subject_token },
      ]
    ) {
      assert.equal((await request(server, EXCHANGE, bad as Record<string, string>)).error, "invalid_request");
    }
    await clock.advance(300_000);
    assert.equal((await request(server, EXCHANGE, good)).error, "invalid_request");
  });
});

describe("an assertion grant", () => {
  const start = 1_700_000_000;
  const setUp = async (options: AuthorizationServerOptions = {}) => {
    const keys = await keyPair();
    const clients = [{ clientId: "service", secret: "service-secret", jwks: { keys: [keys.jwk] } }];
    return {
      keys,
      server: await authorizationServer({ clients, clock: fakeClock(start * 1000), ...options }),
    };
  };

  it("takes a JWT that the client signed, for this server, in time", async () => {
    const { server, keys } = await setUp();
    const good = { iss: "service", sub: "ada", aud: "https://as.test/token", exp: start + 60 };
    const ask = async (claims: Record<string, unknown>, key = keys.privateKey) =>
      await request(server, "urn:ietf:params:oauth:grant-type:jwt-bearer", {
        assertion: await signed(key, claims),
      });
    const answer = await ask(good);
    assert.equal(claimsOf(answer.access_token).sub, "ada");
    assert.equal(answer.refresh_token, undefined);
    for (const bad of [{ aud: "x" }, { exp: start }, { exp: undefined }, { sub: undefined }, { iss: "x" }]) {
      assert.equal((await ask({ ...good, ...bad })).error, "invalid_grant", JSON.stringify(bad));
    }
    assert.equal((await ask(good, (await keyPair()).privateKey)).error, "invalid_grant");
  });

  it("takes a SAML assertion in base64url, for this server, in time", async () => {
    const { server } = await setUp();
    const saml = (audience: string, end: string) =>
      base64url(
        `<saml:Assertion><saml:Issuer>idp</saml:Issuer><saml:Subject><saml:NameID>ada</saml:NameID></saml:Subject>` +
          `<saml:Conditions NotOnOrAfter="${end}"><saml:Audience>${audience}</saml:Audience></saml:Conditions>` +
          `</saml:Assertion>`,
      );
    const ask = (assertion: string) =>
      request(server, "urn:ietf:params:oauth:grant-type:saml2-bearer", { assertion });
    const answer = await ask(saml("https://as.test", "2099-01-01T00:00:00Z"));
    assert.equal(claimsOf(answer.access_token).sub, "ada");
    for (
      const bad of [
        saml("https://other.test", "2099-01-01T00:00:00Z"),
        saml("https://as.test", "2020-01-01T00:00:00Z"),
        base64url("<x/>"),
        "<saml:Assertion/>",
      ]
    ) {
      assert.equal((await ask(bad)).error, "invalid_grant");
    }
  });
});

describe("an extension grant", () => {
  it("is what the test says it is", async () => {
    const server = await authorizationServer({
      extensionGrants: {
        "urn:example:ticket": (parameters) =>
          parameters.get("ticket") === "good"
            ? { subject: "ada", scope: "roles" }
            : { error: "invalid_grant", description: "no such ticket" },
      },
    });
    const answer = await request(server, "urn:example:ticket", { ticket: "good" });
    assert.deepEqual([claimsOf(answer.access_token).sub, answer.scope], ["ada", "roles"]);
    const refused = await request(server, "urn:example:ticket", { ticket: "bad" });
    assert.deepEqual(refused, { error: "invalid_grant", error_description: "no such ticket" });
    assert.equal((await request(server, "urn:example:other")).error, "unsupported_grant_type");
  });
});
