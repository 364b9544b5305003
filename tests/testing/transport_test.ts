import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { authorizationServer } from "../../lib/testing/mod.ts";
import { fakeClock } from "../fake_clock.ts";
import { post } from "./support.ts";

const secret = new URLSearchParams({ refresh_token: "secret" });

describe("the fetch of the server", () => {
  it("takes what fetch takes: texts, URLs, requests, streams", async () => {
    const server = await authorizationServer();
    const url = "https://as.test/jwks#here";
    const stream = new ReadableStream({
      start: (controller) => {
        controller.enqueue(new TextEncoder().encode("grant_type=a"));
        controller.close();
      },
    });
    await server.fetch(url);
    await server.fetch(new URL(url));
    await server.fetch(new Request(url, { headers: { "x-a": "1" } }));
    await server.fetch("https://as.test/token", {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: stream,
    });
    assert.deepEqual(server.requests.map(({ endpoint }) => endpoint), ["jwks", "jwks", "jwks", "token"]);
    assert.equal(server.requests[2].headers.get("x-a"), "1");
    assert.equal(server.requests[2].url, "https://as.test/jwks");
    assert.equal(server.requests[3].grantType, "a");
  });

  it("rejects with the reason of a signal that aborted before", async () => {
    const server = await authorizationServer();
    const signal = AbortSignal.abort("why");
    await assert.rejects(server.fetch("https://as.test/jwks", { signal }), (reason) => reason === "why");
    assert.equal(server.count(), 0);
  });

  it("gives answers an address", async () => {
    const server = await authorizationServer();
    const response = await server.fetch("https://as.test/jwks?a=b");
    assert.deepEqual([response.url, response.redirected], ["https://as.test/jwks?a=b", false]);
  });

  it("follows redirects by default, with the body on a 307: a careless client is seen", async () => {
    const elsewhere: [string, string | null, string][] = [];
    const server = await authorizationServer({
      elsewhere: async (url, init) => {
        const request = new Request(url, init);
        elsewhere.push([url, request.headers.get("authorization"), await request.text()]);
        return new Response("stolen");
      },
    });
    const headers = { location: "https://evil.test/x" };
    server.fault("token", { type: "status", status: 307, headers });
    const response = await server.fetch("https://as.test/token", {
      method: "POST",
      headers: { authorization: "Basic abc" },
      body: secret,
    });
    assert.deepEqual([response.url, response.redirected], ["https://evil.test/x", true]);
    assert.deepEqual(elsewhere, [["https://evil.test/x", null, "refresh_token=secret"]]);
    assert.equal(server.count("unknown"), 1);
  });

  it("turns a POST into a GET on a 302", async () => {
    const server = await authorizationServer();
    server.fault("token", { type: "status", status: 302, headers: { location: "/jwks" } });
    await server.fetch("https://as.test/token", { method: "POST", body: secret });
    const { endpoint, method, body } = server.requests[1];
    assert.deepEqual([endpoint, method, body], ["jwks", "GET", ""]);
  });

  it("leaves a redirect alone in manual mode and refuses it in error mode", async () => {
    const server = await authorizationServer();
    const headers = { location: "https://evil.test/x" };
    server.fault("token", { type: "status", status: 308, headers }, { times: 2 });
    const manual = await server.fetch("https://as.test/token", { method: "POST", redirect: "manual" });
    assert.deepEqual([manual.status, manual.headers.get("location")], [308, "https://evil.test/x"]);
    const init = { method: "POST", redirect: "error" } as const;
    await assert.rejects(server.fetch("https://as.test/token", init), TypeError);
    assert.equal(server.count("unknown"), 0);
  });

  it("stops after twenty redirects", async () => {
    const server = await authorizationServer();
    server.fault("jwks", { type: "status", status: 302, headers: { location: "/jwks" } }, {
      times: Infinity,
    });
    await assert.rejects(server.fetch("https://as.test/jwks"), TypeError);
    assert.equal(server.count("jwks"), 21);
  });

  it("knows no other hosts", async () => {
    const server = await authorizationServer();
    await assert.rejects(
      server.fetch("https://other.test/token", { method: "POST", body: secret }),
      TypeError,
    );
    assert.equal(server.count("unknown"), 1);
    assert.equal((await server.fetch("https://as.test/nothing")).status, 404);
  });

  it("reaches another server that stands beside it", async () => {
    const other = await authorizationServer({ issuer: "https://other.test" });
    const server = await authorizationServer({ elsewhere: (url, init) => other.fetch(url, init) });
    const response = await server.fetch("https://other.test/token", { method: "POST", body: secret });
    assert.equal(response.status, 401);
    assert.equal(other.requests[0].parameters.get("refresh_token"), "secret");
  });
});

describe("the record of the server", () => {
  it("has the requests with what was answered, until it is cleared", async () => {
    const clock = fakeClock(1_000);
    const server = await authorizationServer({ clock });
    await post(server, "/token", { grant_type: "password", client_id: "app", username: "ada" });
    const [{ endpoint, method, grantType, at, status, error, errorDescription, parameters }] =
      server.requests;
    assert.deepEqual([endpoint, method, grantType, at, status, error], [
      "token",
      "POST",
      "password",
      1_000,
      400,
      "invalid_request",
    ]);
    assert.match(errorDescription!, /password is missing/);
    assert.equal(parameters.get("username"), "ada");
    assert.deepEqual([server.count(), server.count("token", "password"), server.count("token", "x")], [
      1,
      1,
      0,
    ]);
    server.clearRequests();
    assert.equal(server.count(), 0);
  });

  it("keeps JSON bodies, broken ones too", async () => {
    const server = await authorizationServer();
    const headers = { "content-type": "application/json" };
    for (const body of ['{"client_name":"x"}', "{"]) {
      await server.fetch("https://as.test/register", { method: "POST", headers, body });
    }
    assert.deepEqual(server.requests.map(({ json, body }) => [json, body]), [
      [{ client_name: "x" }, '{"client_name":"x"}'],
      [undefined, "{"],
    ]);
  });

  it("wakes who waits for a request as soon as it comes", async () => {
    const server = await authorizationServer();
    const next = server.nextRequest("token", "refresh_token");
    await post(server, "/token", { grant_type: "password" });
    await post(server, "/token", { grant_type: "refresh_token", refresh_token: "mine" });
    assert.equal((await next).parameters.get("refresh_token"), "mine");
  });

  it("refuses an issuer that cannot be one", async () => {
    for (const issuer of ["as.test", "https://as.test?x", "https://as.test/#y"]) {
      await assert.rejects(authorizationServer({ issuer }), { code: "invalid_argument" });
    }
  });
});
