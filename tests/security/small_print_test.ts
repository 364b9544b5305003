import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { authorizationRequest, discoverFromResource } from "../../mod.ts";
import { app, json, REDIRECT, refusedWith, stub, world } from "./support.ts";

describe("an authorization code", () => {
  it("C9 has visible characters alone, or is not exchanged", async () => {
    for (const code of ["a\r\nb", "a\x00b", "a\x7fb", "é", "\u2028"]) {
      const { server, issuer } = await world();
      const request = await authorizationRequest(issuer, app, { redirectUri: REDIRECT });
      const answer = await server.authorize(request.url, { tamper: { code } });
      await refusedWith("invalid_response", request.redeem(answer), JSON.stringify(code));
      assert.equal(server.count("token"), 0);
    }
  });
});

describe("a pushed authorization request", () => {
  it("G10 has no request_uri of its own within", async () => {
    const { server, issuer } = await world();
    const parameters = { redirectUri: REDIRECT, pushed: true, extra: { request_uri: "urn:evil" } };
    await authorizationRequest(issuer, app, parameters).catch((error) =>
      assert.equal(error.code, "invalid_argument")
    );
    assert.ok(server.requests.every(({ parameters }) => !parameters.has("request_uri")));
  });
});

describe("an API's metadata", () => {
  it("G11 leads to no private address", async () => {
    const resource = "https://api.test/v1";
    const hosts = [
      "169.254.169.254",
      "10.0.0.1",
      "192.168.1.1",
      "172.16.0.1",
      "127.0.0.1",
      "localhost",
      "[::1]",
      "[fd00::1]",
      "[fe80::1]",
      "[::ffff:10.0.0.1]",
    ];
    const followed: string[] = [];
    for (const host of hosts) {
      const { issuer, sent } = stub(json({ resource, authorization_servers: [`https://${host}`] }));
      await discoverFromResource(resource, { fetch: issuer.http.fetch }).catch(() => {});
      if (sent.length > 1) followed.push(host);
    }
    assert.deepEqual(followed, []);
  });
});
