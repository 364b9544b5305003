import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { passwordGrant } from "../../lib/oauth/grants/password.ts";
import { generateSigningKey, type SigningKey, signJwt } from "../../lib/oauth/signing_key.ts";
import { userInfo } from "../../lib/oauth/user_info.ts";
import { app, assertHides, failureOf, json, type Stub, stub, world } from "./support.ts";

const metadata = { userinfo_endpoint: "https://as.test/userinfo" };
const ada = { username: "ada", password: "lovelace", scope: "openid" };
const TOKEN = "token-canary";

describe("the user's data", () => {
  it("come with the access token in the header, and are about the one who signed in (C14)", async () => {
    const users = [{
      subject: "a1",
      username: "ada",
      password: "lovelace",
      claims: { name: "Ada", email: "ada@x.test" },
    }];
    const { server, issuer } = await world({ users, clients: [{ clientId: "app" }] });
    const { accessToken, claims } = await passwordGrant(issuer, app, ada);
    server.clearRequests();
    const person = await userInfo(issuer, app, accessToken, { subject: claims?.sub });
    assert.deepEqual([person.sub, person.name, person.email], ["a1", "Ada", "ada@x.test"]);
    const { method, url, headers, body } = server.requests[0];
    assert.deepEqual([method, url, body], ["GET", "https://as.test/userinfo", ""]);
    assert.equal(headers.get("authorization"), `Bearer ${accessToken}`);
  });

  it("are refused when they are about somebody else", async () => {
    const { issuer } = stub(json({ sub: "sub-canary", email: "mail-canary" }), { metadata });
    const error = await failureOf(userInfo(issuer, app, TOKEN, { subject: "ada" }));
    assert.equal(error.code, "invalid_response");
    assertHides(error, TOKEN, "mail-canary", "sub-canary");
    assert.equal((await userInfo(issuer, app, TOKEN, { subject: "sub-canary" })).email, "mail-canary");
  });

  for (const body of [{}, { sub: 7 }, { sub: "" }, [], "canary", { sub: null }]) {
    it(`are refused when they are ${JSON.stringify(body)}`, async () => {
      const { issuer } = stub(json(body), { metadata });
      const error = await failureOf(userInfo(issuer, app, TOKEN));
      assert.equal(error.code, "invalid_response");
      assertHides(error, "canary");
    });
  }

  it("are refused to a token that is not good for them, without the token that the server quotes", async () => {
    const { issuer } = await world();
    const error = await failureOf(userInfo(issuer, app, "unknown"));
    assert.deepEqual([error.code, error.serverError, error.status], ["server_refused", "invalid_token", 401]);
    // as Spring does
    const spring = { error: "invalid_token", error_description: `Invalid access token: ${TOKEN}` };
    const challenge = `Bearer error="invalid_token", error_description="Invalid access token: ${TOKEN}"`;
    for (const reply of [json(spring, 401), json("", 401, { "www-authenticate": challenge })]) {
      const quoted = await failureOf(userInfo(stub(reply, { metadata }).issuer, app, TOKEN));
      assert.equal(quoted.serverDescription, "Invalid access token: …");
      assertHides(quoted, TOKEN);
    }
  });

  it("are read under another content type, which is reported", async () => {
    const { issuer, met } = stub(json({ sub: "ada" }, 200, { "content-type": "text/plain" }), { metadata });
    assert.equal((await userInfo(issuer, app, TOKEN)).sub, "ada");
    assert.deepEqual(met, ["content-type"]);
  });

  it("are unsupported where the server has none; a redirect is not followed (C20)", async () => {
    assert.equal((await failureOf(userInfo(stub(json({})).issuer, app, TOKEN))).code, "unsupported");
    const reply = new Response(null, { status: 302, headers: { location: "https://evil.test/" } });
    const { issuer, sent } = stub(reply, { metadata });
    const error = await failureOf(userInfo(issuer, app, TOKEN));
    assert.deepEqual([error.code, sent.length], ["invalid_response", 1]);
  });

  it("cannot be asked for with a token that does not fit into a header (C9)", async () => {
    const { issuer, sent } = stub(json({ sub: "ada" }), { metadata });
    for (const token of ["a\r\nb", "a\u0000b", "\u20ac", "\u00e9"]) {
      assert.equal((await failureOf(userInfo(issuer, app, token))).code, "invalid_argument");
    }
    assert.deepEqual(sent, []);
  });
});

describe("the user's data, signed", () => {
  async function signing(
    changes: Record<string, unknown> = {},
    header: Record<string, unknown> = {},
    sign?: SigningKey,
  ): Promise<Stub> {
    const key = await generateSigningKey();
    return stub(async ({ url }) => {
      if (url.endsWith("/jwks")) return json({ keys: [{ ...key.publicJwk, alg: "ES256" }] });
      const jwt = await signJwt(sign ?? key, header, {
        iss: "https://as.test",
        aud: "app",
        sub: "ada",
        ...changes,
      });
      return new Response(jwt, { headers: { "content-type": "application/jwt" } });
    }, { metadata: { ...metadata, userinfo_signing_alg_values_supported: ["ES256"] } });
  }

  it("are verified with the issuer's keys", async () => {
    const { server, issuer } = await world({ clients: [{ clientId: "app", signedUserinfo: true }] });
    const { accessToken, claims } = await passwordGrant(issuer, app, ada);
    assert.equal((await userInfo(issuer, app, accessToken, { subject: claims?.sub })).sub, claims?.sub);
    const { headers } = server.requests.find(({ endpoint }) => endpoint === "userinfo")!;
    assert.equal(headers.get("accept"), "application/json, application/jwt");
    const { issuer: own } = await signing({ email: "ada@x.test" });
    assert.equal((await userInfo(own, app, TOKEN)).email, "ada@x.test");
    assert.ok(server.count("jwks") > 0);
  });

  for (
    const [name, changes, header] of [
      ["of another issuer", { iss: "https://evil.test" }, {}],
      ["for another client", { aud: "other" }, {}],
      ["about somebody else", { sub: "eve" }, {}],
      ["about nobody", { sub: undefined }, {}],
      ["that are over", { exp: 1 }, {}],
      ["with an algorithm that the server does not have", {}, { alg: "none" }],
      ["with a crit that nobody knows", {}, { crit: ["x"] }],
    ] as const
  ) {
    it(`are refused when they are ones ${name} (P15)`, async () => {
      const { issuer } = await signing(changes, header);
      assert.equal(
        (await failureOf(userInfo(issuer, app, TOKEN, { subject: "ada" }))).code,
        "invalid_response",
      );
    });
  }

  it("are left at once by who wants to, while the keys are being fetched", async () => {
    const { issuer } = await signing();
    const abort = new AbortController();
    const fetch = (url: string, init: RequestInit) => {
      if (!url.endsWith("/jwks")) return issuer.http.fetch!(url, init);
      abort.abort();
      return new Promise<Response>(() => {});
    };
    const slow = { ...issuer, metadata: { ...issuer.metadata }, http: { ...issuer.http, fetch } };
    const error = await failureOf(userInfo(slow, app, TOKEN, { signal: abort.signal }));
    assert.equal(error.code, "aborted");
  });

  it("are refused when somebody else signed them, or they are encrypted or broken (P15)", async () => {
    const { issuer } = await signing({}, {}, await generateSigningKey());
    assert.equal((await failureOf(userInfo(issuer, app, TOKEN))).code, "invalid_response");
    for (const body of ["", "a.b.c", "a.b.c.d.e", "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.!"]) {
      const broken = stub(json(body, 200, { "content-type": "application/jwt" }), {
        metadata: { ...metadata, userinfo_signing_alg_values_supported: ["ES256"] },
      });
      assert.equal((await failureOf(userInfo(broken.issuer, app, TOKEN))).code, "invalid_response", body);
    }
  });
});
