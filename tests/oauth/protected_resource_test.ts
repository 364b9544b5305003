import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Fetch } from "../../lib/http/http.ts";
import { clientSecretBasic } from "../../lib/oauth/client_authentication.ts";
import { discoverFromResource, discoverResource } from "../../lib/oauth/protected_resource.ts";
import { clientCredentials } from "../../lib/session/grant.ts";
import { tokenSource } from "../../lib/session/token_source.ts";
import { authorizationServer } from "../../lib/testing/mod.ts";
import { fakeClock } from "../fake_clock.ts";
import { again, failureOf, json } from "./support.ts";

/** Options with a `fetch` that answers with `replies`, one after the other, and the URLs that it saw. */
function answering(
  ...replies: Response[]
): { fetch: Fetch; urls: string[]; clock: ReturnType<typeof fakeClock> } {
  const urls: string[] = [];
  const fetch: Fetch = async (url) => {
    urls.push(url);
    return await again(replies.length > 1 ? replies.shift()! : replies[0]);
  };
  return { fetch, urls, clock: fakeClock() };
}

describe("the metadata of an API", () => {
  for (
    const [resource, url] of [
      ["https://api.test", "https://api.test/.well-known/oauth-protected-resource"],
      ["https://api.test/", "https://api.test/.well-known/oauth-protected-resource"],
      ["https://api.test/v1/things", "https://api.test/.well-known/oauth-protected-resource/v1/things"],
      ["https://api.test/v1/", "https://api.test/.well-known/oauth-protected-resource/v1/"],
      ["https://api.test:8443/a?b=c&d", "https://api.test:8443/.well-known/oauth-protected-resource/a?b=c&d"],
      ["https://api.test?b=c", "https://api.test/.well-known/oauth-protected-resource?b=c"],
    ]
  ) {
    it(`of ${resource} are at ${url} (G11)`, async () => {
      const options = answering(json({ resource, scopes_supported: ["read"] }));
      const found = await discoverResource(resource, options);
      assert.deepEqual([found.resource, found.scopes_supported], [resource, ["read"]]);
      assert.deepEqual(options.urls, [url]);
    });
  }

  it("are the same for a URL object, which always has a slash after the host (G11)", async () => {
    for (const resource of ["https://api.test", "https://api.test/"]) {
      for (const asked of [new URL(resource), resource]) {
        assert.equal((await discoverResource(asked, answering(json({ resource })))).resource, resource);
      }
    }
  });

  for (
    const other of [
      "https://evil.test/v1",
      "https://api.test/v1/",
      "https://api.test/V1",
      "https://api.test",
      "https://api.test/v1?",
      "http://api.test/v1",
      undefined,
      ["https://api.test/v1"],
    ]
  ) {
    it(`are refused when they are about ${JSON.stringify(other)} (G11)`, async () => {
      const error = await failureOf(
        discoverResource("https://api.test/v1", answering(json({ resource: other }))),
      );
      assert.equal(error.code, "invalid_metadata");
      assert.match(error.message, /another resource/);
    });
  }

  for (const status of [404, 401, 403, 400]) {
    it(`may not be there: ${status} says so, with what to do instead`, async () => {
      const options = answering(json({}, status));
      const error = await failureOf(discoverResource("https://api.test/", options));
      assert.deepEqual([error.code, error.status, error.nextStep], [
        "invalid_metadata",
        status,
        "Name the issuer",
      ]);
      assert.equal(options.urls.length, 1);
    });
  }

  it("are asked for again when the API is down", async () => {
    const options = answering(json({}, 503), json({ resource: "https://api.test" }));
    let done = false;
    const work = discoverResource("https://api.test", options).finally(() => done = true);
    while (!done) await options.clock.advance(1000);
    assert.equal((await work).resource, "https://api.test");
    assert.equal(options.urls.length, 2);
  });

  for (
    const url of [
      "http://api.test/",
      "ftp://api.test/",
      "api.test",
      "https://api.test/#a",
      "https://u:p@api.test/",
    ]
  ) {
    it(`are not asked for at ${url} (C1)`, async () => {
      const options = answering(json({ resource: url }));
      assert.equal((await failureOf(discoverResource(url, options))).code, "insecure_url");
      assert.deepEqual(options.urls, []);
    });
  }

  it("are JSON, and no redirect is followed to them (C20)", async () => {
    for (const reply of [json("<html>"), json("[]"), json("7")]) {
      const error = await failureOf(discoverResource("https://api.test", answering(reply)));
      assert.equal(error.code, "invalid_metadata");
    }
    const options = answering(
      new Response(null, { status: 301, headers: { location: "https://evil.test/" } }),
    );
    await failureOf(discoverResource("https://api.test", options));
    assert.equal(options.urls.length, 1);
  });
});

describe("a source made from an API's URL alone", () => {
  it("gets its tokens from the server that the API names, for that API", async () => {
    const server = await authorizationServer({ resource: "https://api.test/v1" });
    const { fetch } = server;
    const { resource, issuer } = await discoverFromResource("https://api.test/v1", { fetch });
    assert.equal(issuer.issuer, server.issuer);
    const client = { clientId: "service", authentication: clientSecretBasic("service-secret") };
    const source = tokenSource(issuer, client, clientCredentials({ resource: resource.resource }));
    const answer = await source.fetch("https://api.test/v1/things");
    assert.deepEqual((await answer.json()).audience, ["https://api.test/v1"]);
    assert.deepEqual(server.requests.map(({ endpoint }) => endpoint), [
      "protected_resource_metadata",
      "discovery",
      "token",
      "resource",
    ]);
  });

  for (const servers of [undefined, [], {}, [7], "", null]) {
    it(`cannot be made when the API names ${JSON.stringify(servers)}`, async () => {
      const options = answering(json({ resource: "https://api.test", authorization_servers: servers }));
      const error = await failureOf(discoverFromResource("https://api.test", options));
      assert.equal(error.code, servers === "" ? "insecure_url" : "invalid_metadata");
      assert.equal(options.urls.length, 1);
    });
  }

  it("does not ask a server that is not https, or that calls itself something else (C1, G1)", async () => {
    const named = (server: string) => json({ resource: "https://api.test", authorization_servers: [server] });
    const open = answering(named("http://as.test"));
    assert.equal((await failureOf(discoverFromResource("https://api.test", open))).code, "insecure_url");
    assert.equal(open.urls.length, 1);
    const other = answering(named("https://as.test"), json({ issuer: "https://evil.test" }));
    assert.equal((await failureOf(discoverFromResource("https://api.test", other))).code, "invalid_metadata");
  });
});
