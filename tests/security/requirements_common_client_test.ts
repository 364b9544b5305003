/**
 * Requirements on the client towards servers and APIs: configuration, scopes, audiences, where a token may go: C14 to C20.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  clientCredentials,
  clientCredentialsGrant,
  deviceAuthorization,
  discover,
  introspectToken,
  refreshToken,
  revokeToken,
  tokenExchangeGrant,
  tokenSource,
  userInfo,
} from "../../mod.ts";
import { authorizationServer } from "../../lib/testing/mod.ts";
import { apiWith, app, json, refusedWith, service, signIn, stub, tokens, world } from "./support.ts";

describe("a request to an API", () => {
  it("C14 never has the token in its URL, and no request to the server has it there", async () => {
    const there = await world();
    const { server, issuer } = there;
    const { accessToken, refreshToken: kept, idToken } = await signIn(there);
    await userInfo(issuer, app, accessToken);
    await introspectToken(issuer, service, accessToken);
    await tokenExchangeGrant(issuer, service, { subjectToken: accessToken });
    const source = tokenSource(issuer, app, refreshToken({ refreshToken: kept! }));
    await source.fetch(`${server.resource}?x=1`);
    const next = await source.get();
    await revokeToken(issuer, app, next.accessToken);
    assert.ok(server.requests.length > 6);
    for (const { url } of server.requests) {
      for (const token of [accessToken, kept!, idToken!, next.accessToken]) {
        assert.ok(!url.includes(token), url);
      }
    }
  });

  it("C18 has the token only where it was meant to go, and an audience its own token", async () => {
    const { issuer, sent } = stub((one) => {
      if (one.url === "https://as.test/token") {
        return json(tokens({ access_token: `for-${one.form.get("audience")}` }));
      }
      return one.url.endsWith("/moved")
        ? new Response(null, { status: 302, headers: { location: "https://evil.test/" } })
        : json({});
    });
    const source = tokenSource(issuer, app, clientCredentials());
    await source.fetch("https://api.test/moved");
    const elsewhere = sent.find(({ url }) => url === "https://evil.test/");
    assert.ok(elsewhere);
    assert.equal(elsewhere.headers.get("authorization"), null);
    assert.doesNotMatch(JSON.stringify([...elsewhere.headers]), /for-/);
    for (const audience of ["a", "b", "a"]) {
      assert.equal((await source.get({ audience })).accessToken, `for-${audience}`);
    }
  });

  it("C19 is judged by the error of our own scheme, and nothing that a challenge names is opened", async () => {
    const none =
      'Bearer realm="/etc/passwd", resource_metadata="https://evil.test/", error="insufficient_scope"';
    const challenges: [string, number][] = [
      [none, 1],
      ['Bearer error="invalid_request"', 1],
      ['Basic realm="x"', 2],
      ["Negotiate", 2],
      ['Bearer realm="x", error="invalid_token"', 2],
    ];
    for (const [challenge, requests] of challenges) {
      const api = apiWith(challenge);
      assert.equal((await api.source.fetch("https://api.test/")).status, 401);
      assert.ok(api.calls.every(({ url }) => url === "https://api.test/"), challenge);
      assert.equal(api.tokenRequests(), requests, challenge);
    }
  });
});

describe("a client", () => {
  it("C15 needs the issuer's URL and nothing else, whatever the server", async () => {
    for (const flavor of ["plain", "keycloak", "indigo-iam"] as const) {
      const issuer = flavor === "keycloak" ? "https://as.test/realms/apex" : "https://as.test";
      const server = await authorizationServer({ flavor, issuer });
      const found = await discover(server.issuer, { fetch: server.fetch });
      assert.ok((await clientCredentialsGrant(found, service)).accessToken, flavor);
      assert.ok((await deviceAuthorization(found, app)).verificationUri, flavor);
    }
  });

  it("C16 asks for no scope that nobody named, and narrows each call", async () => {
    const { issuer, sent } = stub(json(tokens()));
    await clientCredentialsGrant(issuer, app);
    const source = tokenSource(issuer, app, clientCredentials({ scope: "a b" }));
    await source.get({ scope: "a", resource: "https://api.test" });
    assert.deepEqual([...sent[0].form.keys()].sort(), ["client_id", "grant_type"]);
    assert.deepEqual([sent[1].form.get("scope"), sent[1].form.get("resource")], ["a", "https://api.test"]);
  });

  it("C20 takes a redirect for an error at every endpoint, and sends nothing after it", async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      const moved = () => new Response(null, { status, headers: { location: "https://evil.test/" } });
      const { issuer, sent } = stub(moved, { metadata: { revocation_endpoint: "https://as.test/revoke" } });
      await refusedWith("invalid_response", clientCredentialsGrant(issuer, service));
      await refusedWith("invalid_response", deviceAuthorization(issuer, app));
      await refusedWith("invalid_response", revokeToken(issuer, app, "token"));
      await refusedWith("invalid_response", discover("https://as.test", { fetch: issuer.http.fetch }));
      assert.equal(sent.length, 4);
      assert.ok(sent.every(({ url }) => url.startsWith("https://as.test/")));
    }
  });
});
