import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { authorizationServer } from "../../lib/testing/mod.ts";
import { fakeClock } from "../fake_clock.ts";
import { basic, CHALLENGE, keyPair, post, REDIRECT_URI, signed } from "./support.ts";

const start = 1_700_000_000;

async function setUp(client: Record<string, unknown> = {}) {
  const keys = await keyPair();
  const server = await authorizationServer({
    clients: [{ clientId: "app", secret: "s", jwks: { keys: [keys.jwk] }, ...client }],
    clock: fakeClock(start * 1000),
  });
  return { keys, server };
}

describe("a signed authorization request", () => {
  const good = {
    ...CHALLENGE,
    iss: "app",
    aud: "https://as.test",
    client_id: "app",
    response_type: "code",
    redirect_uri: REDIRECT_URI,
    state: "inner",
    resource: ["https://a.test/", "https://b.test/"],
    authorization_details: [{ type: "test" }],
  };

  async function visit(
    claims: Record<string, unknown>,
    header: Record<string, unknown> = {},
    key?: CryptoKey,
  ) {
    const { keys, server } = await setUp();
    const request = await signed(key ?? keys.privateKey, { ...good, ...claims }, header);
    const query = new URLSearchParams({ client_id: "app", state: "outer", request });
    return new URL(await server.authorize(`https://as.test/authorize?${query}`)).searchParams;
  }

  it("counts alone: what stands beside it does not", async () => {
    const answer = await visit({}, { typ: "oauth-authz-req+jwt" });
    assert.equal(answer.get("state"), "inner");
    assert.ok(answer.get("code"));
  });

  const bad: [string, Record<string, unknown>, Record<string, unknown>?][] = [
    ["iss is another", { iss: "x" }],
    ["aud is another", { aud: "https://other.test" }],
    ["client_id is another", { client_id: "x" }],
    ["it is over", { exp: start }],
    ["it is yet to come", { nbf: start + 120 }],
    ["there is a request within", { request: "a.b.c" }],
    ["typ is another", {}, { typ: "at+jwt" }],
  ];
  for (const [reason, claims, header] of bad) {
    it(`is refused when ${reason}`, async () => {
      await assert.rejects(visit(claims, header), /invalid_request_object/);
    });
  }

  it("is refused when another key signed it", async () => {
    await assert.rejects(visit({}, {}, (await keyPair()).privateKey), /invalid_request_object/);
  });

  it("can be the only way", async () => {
    const { server } = await setUp({ requireSignedRequestObject: true });
    const { iss: _iss, aud: _aud, resource: _resource, authorization_details: _details, ...plain } = good;
    const url = `https://as.test/authorize?${new URLSearchParams(plain)}`;
    await assert.rejects(server.authorize(url), /must be signed/);
    const pushed = await post(server, "/par", plain, basic("app", "s"));
    assert.equal(pushed.json.error, "invalid_request");
  });
});

describe("a signed CIBA request", () => {
  const good = {
    iss: "app",
    aud: "https://as.test",
    iat: start,
    nbf: start,
    exp: start + 60,
    jti: "1",
    scope: "openid",
    login_hint: "ada",
  };

  async function send(claims: Record<string, unknown>) {
    const { keys, server } = await setUp({ requireSignedRequestObject: true });
    const request = await signed(keys.privateKey, { ...good, ...claims });
    return (await post(server, "/backchannel", { request }, basic("app", "s"))).json;
  }

  it("stands for the parameters", async () => {
    assert.ok((await send({})).auth_req_id);
    const { server } = await setUp({ requireSignedRequestObject: true });
    const plain = await post(
      server,
      "/backchannel",
      { scope: "openid", login_hint: "ada" },
      basic("app", "s"),
    );
    assert.equal(plain.json.error, "invalid_request");
  });

  it("is refused when a claim is missing or wrong", async () => {
    for (
      const bad of [{ iss: "x" }, { aud: "x" }, { exp: start }, { iat: undefined }, { nbf: undefined }, {
        jti: undefined,
      }]
    ) {
      assert.equal((await send(bad)).error, "invalid_request", JSON.stringify(bad));
    }
  });
});
