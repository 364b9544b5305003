import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AuthorizationServer, authorizationServer } from "../../lib/testing/mod.ts";
import { fakeClock } from "../fake_clock.ts";
import { basic, keyPair, post, signed } from "./support.ts";

const forItself = { grant_type: "client_credentials" };
const odd = "s:e c+r%e/é";

async function outcome(
  server: AuthorizationServer,
  parameters: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<string> {
  const { json } = await post(server, "/token", { ...forItself, ...parameters }, headers);
  return json.error ?? "tokens";
}

describe("client authentication", () => {
  it("takes Basic form-encoded, and raw only from a client that is known for it", async () => {
    const raw = { authorization: `Basic ${btoa("service:a+b%20c")}` };
    for (
      const [basicEncoding, expected] of [["form", "invalid_client"], ["raw", "tokens"], [
        "either",
        "tokens",
      ]] as const
    ) {
      const server = await authorizationServer({
        clients: [{ clientId: "service", secret: "a+b%20c", basicEncoding }],
      });
      assert.equal(await outcome(server, {}, raw), expected, basicEncoding);
      const encoded = await outcome(server, {}, basic("service", "a+b%20c"));
      assert.equal(encoded, basicEncoding === "raw" ? "invalid_client" : "tokens", basicEncoding);
    }
  });

  it("challenges after Basic, as RFC 6749 section 5.2 demands, and only then", async () => {
    const server = await authorizationServer();
    const refused = await post(server, "/token", forItself, basic("service", "wrong"));
    assert.equal(refused.status, 401);
    assert.match(refused.headers.get("www-authenticate")!, /^Basic realm=/);
    const posted = await post(server, "/token", {
      ...forItself,
      client_id: "service",
      client_secret: "wrong",
    });
    assert.deepEqual([posted.status, posted.headers.get("www-authenticate")], [401, null]);
  });

  it("refuses Basic from a public client, and records it", async () => {
    const server = await authorizationServer();
    const parameters = { grant_type: "password", username: "ada", password: "lovelace" };
    const { json } = await post(server, "/token", parameters, basic("app", ""));
    assert.equal(json.error, "invalid_client");
    const [{ status, error, headers, reason }] = server.requests;
    assert.deepEqual([status, error, reason], [
      401,
      "invalid_client",
      "the client may not use client_secret_basic",
    ]);
    assert.match(headers.get("authorization")!, /^Basic /);
  });

  it("refuses credentials that are malformed, unknown, missing or not the client's", async () => {
    const server = await authorizationServer();
    for (
      const [parameters, headers] of [
        [{}, {}],
        [{}, { authorization: "Basic !" }],
        [{}, { authorization: `Basic ${btoa("service")}` }],
        [{}, { authorization: "Bearer abc" }],
        [{}, basic("nobody", "service-secret")],
        [{}, basic("service", "")],
        [{ client_id: "service" }, {}],
        [{ client_id: "nobody" }, {}],
        [{ client_id: "app", client_secret: "x" }, {}],
      ] as [Record<string, string>, Record<string, string>][]
    ) {
      assert.equal(await outcome(server, parameters, headers), "invalid_client", JSON.stringify(headers));
    }
    assert.equal(
      await outcome(server, { client_id: "app" }, basic("service", "service-secret")),
      "invalid_request",
    );
    assert.equal(await outcome(server, { client_id: "app" }), "unauthorized_client");
  });

  it("refuses two methods at once", async () => {
    const server = await authorizationServer();
    const both = { client_id: "service", client_secret: "service-secret" };
    assert.equal(await outcome(server, both, basic("service", "service-secret")), "invalid_request");
    assert.equal(await outcome(server, { ...both, client_assertion: "a.b.c" }), "invalid_request");
  });

  it("keeps to the methods of the client", async () => {
    const server = await authorizationServer({
      clients: [{ clientId: "service", secret: odd, authMethods: ["client_secret_post"] }],
    });
    assert.equal(await outcome(server, {}, basic("service", odd)), "invalid_client");
    assert.equal(await outcome(server, { client_id: "service", client_secret: odd }), "tokens");
  });

  it("takes the certificate at the alias host only, unless there is none", async () => {
    const clients = [{ clientId: "service", certificateThumbprint: "print" }];
    const certificate = { "x-test-client-certificate": "print" };
    for (const mtlsAliases of [true, false]) {
      const server = await authorizationServer({ clients, mtlsAliases });
      const direct = await outcome(server, { client_id: "service" }, certificate);
      assert.equal(direct, mtlsAliases ? "invalid_client" : "tokens");
    }
  });
});

describe("a client assertion", () => {
  const type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
  const start = 1_700_000_000;
  const good = {
    iss: "service",
    sub: "service",
    aud: "https://as.test",
    iat: start,
    exp: start + 60,
    jti: "1",
  };

  async function attempt(
    claims: Record<string, unknown>,
    { header = {}, assertionAudience = "issuer", key }: {
      header?: Record<string, unknown>;
      assertionAudience?: "issuer" | "token-endpoint" | "either";
      key?: CryptoKey;
    } = {},
  ): Promise<string> {
    const pair = await keyPair();
    const server = await authorizationServer({
      clients: [{ clientId: "service", jwks: { keys: [{ ...pair.jwk, kid: "one" } as JsonWebKey] } }],
      assertionAudience,
      clock: fakeClock(start * 1000),
    });
    const client_assertion = await signed(key ?? pair.privateKey, claims, header);
    return await outcome(server, { client_assertion_type: type, client_assertion });
  }

  it("is good when it is as RFC 7523 says", async () => {
    assert.equal(await attempt(good), "tokens");
    assert.equal(await attempt(good, { header: { kid: "one", typ: "client-authentication+jwt" } }), "tokens");
  });

  const bad: [string, Record<string, unknown>, Record<string, unknown>?][] = [
    ["aud is the token endpoint", { aud: "https://as.test/token" }],
    ["aud is a list", { aud: ["https://as.test"] }],
    ["aud is missing", { aud: undefined }],
    ["iss is another", { iss: "x" }],
    ["exp is missing", { exp: undefined }],
    ["exp is past", { exp: start }],
    ["exp is a day away", { exp: start + 86_400 }],
    ["iat is to come", { iat: start + 120 }],
    ["nbf is to come", { nbf: start + 120 }],
    ["jti is missing", { jti: undefined }],
    ["typ is another", {}, { typ: "dpop+jwt" }],
    ["kid names no key", {}, { kid: "two" }],
    ["something is critical", {}, { crit: ["b64"] }],
  ];
  for (const [reason, claims, header] of bad) {
    it(`is refused when ${reason}`, async () => {
      assert.equal(await attempt({ ...good, ...claims }, { header }), "invalid_client");
    });
  }

  it("is refused when it is said to be of another type", async () => {
    const pair = await keyPair();
    const clients = [{ clientId: "service", jwks: { keys: [pair.jwk] } }];
    const server = await authorizationServer({ clients, clock: fakeClock(start * 1000) });
    const client_assertion = await signed(pair.privateKey, good);
    for (const said of [undefined, type.replace("jwt", "saml2")]) {
      const parameters = { client_assertion, ...(said ? { client_assertion_type: said } : {}) };
      assert.equal(await outcome(server, parameters), "invalid_client");
    }
  });

  it("is refused when somebody else signed it", async () => {
    assert.equal(await attempt(good, { key: (await keyPair()).privateKey }), "invalid_client");
  });

  it("may be for the token endpoint where the server wants that", async () => {
    const aud = "https://as.test/token";
    assert.equal(await attempt({ ...good, aud }, { assertionAudience: "token-endpoint" }), "tokens");
    assert.equal(await attempt(good, { assertionAudience: "token-endpoint" }), "invalid_client");
    assert.equal(await attempt({ ...good, aud }, { assertionAudience: "either" }), "tokens");
  });

  it("is good once", async () => {
    const pair = await keyPair();
    const server = await authorizationServer({
      clients: [{ clientId: "service", jwks: { keys: [pair.jwk] } }],
      clock: fakeClock(start * 1000),
    });
    const client_assertion = await signed(pair.privateKey, good);
    const parameters = { client_assertion_type: type, client_assertion };
    assert.equal(await outcome(server, parameters), "tokens");
    assert.equal(await outcome(server, parameters), "invalid_client");
  });
});

describe("a federated assertion", () => {
  it("stands for the client when its issuer is trusted, and may come again", async () => {
    const pair = await keyPair();
    const ci = { issuer: "https://ci.test", jwks: { keys: [pair.jwk] } };
    const clients = [{ clientId: "service", federated: { issuer: ci.issuer, subject: "repo:main" } }];
    const server = await authorizationServer({ clients, trustedIssuers: [ci], clock: fakeClock(0) });
    const good = { iss: ci.issuer, sub: "repo:main", aud: "https://as.test", exp: 60 };
    const attempt = async (claims: Record<string, unknown>, key = pair.privateKey) =>
      await outcome(server, {
        client_id: "service",
        client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        client_assertion: await signed(key, { ...good, ...claims }),
      });
    assert.deepEqual([await attempt({}), await attempt({})], ["tokens", "tokens"]);
    for (const bad of [{ sub: "repo:other" }, { aud: "x" }, { exp: 0 }, { iss: "https://other.test" }]) {
      assert.equal(await attempt(bad), "invalid_client", JSON.stringify(bad));
    }
    assert.equal(await attempt({}, (await keyPair()).privateKey), "invalid_client");
  });
});

describe("the form of a request", () => {
  it("is a POST, form-encoded, with everything in the body and nothing twice", async () => {
    const server = await authorizationServer();
    const good = [["grant_type", "client_credentials"], ["client_id", "service"], [
      "client_secret",
      "service-secret",
    ]];
    const send = async (path: string, init: RequestInit) => {
      const response = await server.fetch(`https://as.test${path}`, { method: "POST", ...init });
      return [response.status, (await response.json()).error ?? "tokens"];
    };
    const body = new URLSearchParams(good);
    const headers = { "content-type": "application/json" };
    assert.deepEqual(await send("/token", { body }), [200, "tokens"]);
    assert.deepEqual(await send("/token", { method: "GET" }), [405, "invalid_request"]);
    assert.deepEqual(await send("/token", { body: "{}", headers }), [400, "invalid_request"]);
    assert.deepEqual(await send("/token?client_id=service", { body }), [400, "invalid_request"]);
    const twice = new URLSearchParams([...good, ["scope", "a"], ["scope", "b"]]);
    assert.deepEqual(await send("/token", { body: twice }), [400, "invalid_request"]);
    const empty = new URLSearchParams([...good, ["scope", ""]]);
    assert.deepEqual(await send("/token", { body: empty }), [200, "tokens"]);
  });

  it("names a grant that there is and that the client may use", async () => {
    const server = await authorizationServer({
      clients: [{ clientId: "service", secret: "s", grants: ["password"] }],
    });
    const credentials = { client_id: "service", client_secret: "s" };
    assert.equal(await outcome(server, { ...credentials, grant_type: "implicit" }), "unsupported_grant_type");
    assert.equal(await outcome(server, credentials), "unauthorized_client");
    assert.equal(await outcome(server, { ...credentials, grant_type: "" }), "invalid_request");
  });
});
