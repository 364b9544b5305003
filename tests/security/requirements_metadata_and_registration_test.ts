/**
 * Requirements on metadata and pushed requests (RFC 8414, Discovery, RFC 9126, RFC 9728). Registration is in
 * `requirements_registration_test.ts`.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import {
  authorizationRequest,
  clientCredentials,
  clientCredentialsGrant,
  deviceAuthorization,
  discover,
  discoverFromResource,
  discoverResource,
  introspectToken,
  registerClient,
  revokeToken,
  tokenSource,
  userInfo,
} from "../../mod.ts";
import { app, failureOf, json, REDIRECT, refusedWith, service, stub, tokens, world } from "./support.ts";

/** Discovers an issuer whose every document is `reply`; tells what was asked for. */
async function discovering(
  issuer: string,
  reply: Response,
  options: { quirks?: readonly ["issuer-trailing-slash"] } = {},
) {
  const { issuer: any, sent } = stub(reply);
  const found = discover(issuer, { ...options, fetch: any.http.fetch });
  await found.catch(() => {});
  return { found, asked: sent.map(({ url }) => url) };
}

describe("an issuer's metadata", () => {
  it("G1 is about that very issuer, letter for letter; a last slash may differ only where that was asked for", async () => {
    const asked = "https://as.test/realms/apex";
    const others = [
      "https://as.test/realms/apex/",
      "https://as.test/realms/Apex",
      "https://AS.test/realms/apex",
      "https://as.test:443/realms/apex",
    ];
    for (
      const issuer of [
        ...others,
        "https://as.test/realms/apex2",
        "https://as.test",
        "http://as.test/realms/apex",
        "https://evil.test/realms/apex",
      ]
    ) {
      const { found } = await discovering(asked, json({ issuer, token_endpoint: "https://as.test/token" }));
      const error = await refusedWith("invalid_metadata", found, issuer);
      assert.match(error.message, /it says that its issuer is "/);
      const lenient = await discovering(asked, json({ issuer }), { quirks: ["issuer-trailing-slash"] });
      if (issuer === others[0]) assert.equal((await lenient.found).issuer, issuer);
      else await refusedWith("invalid_metadata", lenient.found, issuer);
    }
  });

  it("G2 is looked for in both places, in the same order, at the issuer's own origin", async () => {
    const wellKnown = "https://as.test/.well-known";
    const none = () => new Response(null, { status: 404 });
    for (const path of ["", "/"]) {
      const { asked } = await discovering(`https://as.test${path}`, none());
      assert.deepEqual(asked, [
        `${wellKnown}/openid-configuration`,
        `${wellKnown}/oauth-authorization-server`,
      ]);
    }
    for (const path of ["/realms/apex", "/realms/apex/"]) {
      const { asked, found } = await discovering(`https://as.test${path}`, none());
      assert.deepEqual(asked, [
        "https://as.test/realms/apex/.well-known/openid-configuration",
        `${wellKnown}/oauth-authorization-server/realms/apex`,
      ]);
      await refusedWith("invalid_metadata", found);
    }
  });

  it("G3 is asked for at https alone, of an issuer without query and fragment", async () => {
    for (
      const issuer of [
        "http://as.test",
        "https://as.test?x=1",
        "https://as.test#x",
        "https://as.test?",
        "https://u:p@as.test",
        "as.test",
        "",
      ]
    ) {
      const { found, asked } = await discovering(issuer, json({ issuer }));
      const error = await found.then(() => assert.fail(issuer), (error) => error);
      assert.match(error.code, /^(insecure_url|invalid_argument)$/, issuer);
      assert.deepEqual(asked, []);
    }
  });

  it("G4 stays what it was: endpoints that move later get nothing", async () => {
    const { server, issuer } = await world();
    const source = tokenSource(issuer, service, clientCredentials());
    await source.get();
    const moved = { token_endpoint: "https://evil.test/token", jwks_uri: "https://evil.test/jwks" };
    server.fault("discovery", { type: "merge", members: moved }, { times: Infinity });
    await source.get({ force: true });
    assert.ok(server.requests.every(({ url }) => url === "https://as.test/token"));
    assert.throws(() => Object.assign(issuer.metadata, moved), TypeError);
  });

  it("G5 is a JSON object that names its issuer, and members of another type are as good as none", async () => {
    for (
      const body of [
        "",
        "null",
        "[]",
        "1",
        '"https://as.test"',
        "{}",
        '{"issuer":1}',
        '{"issuer":["https://as.test"]}',
        "<html>",
        "{",
      ]
    ) {
      const { found } = await discovering("https://as.test", json(body));
      await refusedWith("invalid_metadata", found, body);
    }
    for (const wrong of [1, true, [], {}, ["https://as.test/x"], "", null]) {
      const names = [
        "token",
        "device_authorization",
        "revocation",
        "introspection",
        "userinfo",
        "authorization",
        "registration",
      ];
      const metadata = Object.fromEntries(names.map((name) => [`${name}_endpoint`, wrong]));
      const { issuer, sent } = stub(json(tokens()), {
        metadata: { ...metadata, mtls_endpoint_aliases: wrong },
      });
      const attempts = [
        () => clientCredentialsGrant(issuer, app),
        () => deviceAuthorization(issuer, app),
        () => revokeToken(issuer, app, "token"),
        () => introspectToken(issuer, app, "token"),
        () => userInfo(issuer, app, "token"),
        () => authorizationRequest(issuer, app, { redirectUri: REDIRECT }),
        () => registerClient(issuer, {}),
      ];
      for (const attempt of attempts) {
        const { code } = await failureOf(attempt());
        assert.match(code, /^(unsupported|invalid_metadata)$/, inspect(wrong));
      }
      assert.equal(sent.length, 0);
    }
  });
});

describe("a pushed authorization request", () => {
  const metadata = { pushed_authorization_request_endpoint: "https://as.test/par" };
  const parameters = { redirectUri: REDIRECT, scope: "openid" };

  it("G10 proves who the client is, is used once, and is the only way where the server wants it", async () => {
    const { server, issuer } = await world({ requirePushedAuthorization: true });
    const [one, other] = [
      await authorizationRequest(issuer, service, parameters),
      await authorizationRequest(issuer, service, parameters),
    ];
    for (const request of server.requests) {
      assert.equal(request.endpoint, "pushed_authorization");
      assert.equal(request.headers.get("authorization"), `Basic ${btoa("service:service-secret")}`);
      assert.equal(request.parameters.has("request_uri"), false);
    }
    const names = (url: string) => [...new URL(url).searchParams.keys()].sort();
    assert.deepEqual(names(one.url), ["client_id", "request_uri"]);
    assert.notEqual(one.url, other.url);
    await one.redeem(await server.authorize(one.url));
    await assert.rejects(server.authorize(one.url), /request_uri is unknown, used or expired/);
    assert.ok((await other.redeem(await server.authorize(other.url))).accessToken);

    const required = { require_pushed_authorization_requests: true };
    const without = stub(json({}), { metadata: required });
    await refusedWith(
      "unsupported",
      authorizationRequest(without.issuer, app, { ...parameters, pushed: false }),
    );
    for (const request_uri of [undefined, "", 1, null]) {
      const { issuer } = stub(json({ request_uri, expires_in: 60 }, 201), {
        metadata: { ...required, ...metadata },
      });
      await refusedWith("invalid_response", authorizationRequest(issuer, app, parameters));
    }
  });
});

describe("an API's metadata", () => {
  it("G11 is about that very API, and leads to servers at https alone", async () => {
    const resource = "https://api.test/v1";
    const lookUp = (members: Record<string, unknown>) => stub(json({ resource, ...members })).issuer.http;
    for (const other of ["https://api.test/v2", "https://evil.test/v1", "https://api.test", undefined, 1]) {
      await refusedWith(
        "invalid_metadata",
        discoverResource(resource, { fetch: lookUp({ resource: other }).fetch }),
      );
    }
    for (
      const server of [
        "http://as.test",
        "http://169.254.169.254/",
        "file:///etc/passwd",
        "http://localhost:80",
        "gopher://as.test",
      ]
    ) {
      const { issuer, sent } = stub(json({ resource, authorization_servers: [server] }));
      await refusedWith("insecure_url", discoverFromResource(resource, { fetch: issuer.http.fetch }), server);
      assert.deepEqual(sent.map(({ url }) => url), [
        "https://api.test/.well-known/oauth-protected-resource/v1",
      ]);
    }
  });
});
