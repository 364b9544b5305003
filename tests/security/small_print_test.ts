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

describe("an authorization request", () => {
  it("has no request object that was made elsewhere", async () => {
    for (const name of ["request", "request_uri"]) {
      const { server, issuer } = await world();
      const parameters = { redirectUri: REDIRECT, extra: { [name]: "elsewhere" } };
      await refusedWith("invalid_argument", authorizationRequest(issuer, app, parameters), name);
      assert.deepEqual(server.requests, []);
    }
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
      "as.localhost",
      "0.0.0.0",
      "10.255.0.1",
      "172.20.0.1",
      "172.31.255.255",
      "[fc00::1]",
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

  it("leads to a public address, and to a private one within a private network (G11)", async () => {
    const ways = [
      ["https://api.test/v1", "172.32.0.1"],
      ["https://api.test/v1", "localhost.test"],
      ["https://10.0.0.2/v1", "10.0.0.1"],
      ["https://api.localhost/v1", "localhost"],
    ];
    for (const [resource, host] of ways) {
      const { issuer, sent } = stub(json({ resource, authorization_servers: [`https://${host}`] }));
      await discoverFromResource(resource, { fetch: issuer.http.fetch }).catch(() => {});
      assert.equal(new URL(sent[1].url).host, host);
    }
  });
});
