import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { clientSecretBasic } from "../../lib/oauth/client_authentication.ts";
import { clientCredentialsGrant } from "../../lib/oauth/grants/client_credentials.ts";
import { introspectToken } from "../../lib/oauth/introspection.ts";
import { generateSigningKey, type SigningKey, signJwt } from "../../lib/oauth/signing_key.ts";
import { app, assertHides, endsAtOnce, failureOf, hang, json, type Stub, stub, world } from "./support.ts";

const service = { clientId: "service", authentication: clientSecretBasic("service-secret") };
const metadata = { introspection_endpoint: "https://as.test/introspect" };
const SIGNED = "application/token-introspection+jwt";

describe("an introspection", () => {
  it("says what a token is good for (F8)", async () => {
    const { server, issuer } = await world();
    const { accessToken, expiresAt } = await clientCredentialsGrant(issuer, service, { scope: "read" });
    server.clearRequests();
    const said = await introspectToken(issuer, service, accessToken, { hint: "access_token" });
    assert.deepEqual(
      [said.active, said.scope, said.client_id, said.exp, said.iss],
      [true, "read", "service", expiresAt, "https://as.test"],
    );
    const { method, url, headers, parameters } = server.requests[0];
    assert.deepEqual([method, url], ["POST", "https://as.test/introspect"]);
    assert.deepEqual([...parameters], [["token", accessToken], ["token_type_hint", "access_token"]]);
    assert.match(headers.get("authorization")!, /^Basic /);
    assert.equal(headers.get("accept"), "application/json");
  });

  it("says of a token that is good no more only that (F8)", async () => {
    const { issuer } = await world();
    assert.deepEqual(await introspectToken(issuer, service, "unknown"), { active: false });
  });

  for (const active of ["true", 1, null, undefined, {}]) {
    it(`is refused when active is ${JSON.stringify(active)} (F8)`, async () => {
      const { issuer } = stub(json({ active, sub: "sub-canary" }), { metadata });
      const error = await failureOf(introspectToken(issuer, service, "token-canary"));
      assert.equal(error.code, "invalid_response");
      assert.match(error.message, /"active" is no boolean/);
      assertHides(error, "token-canary", "sub-canary");
    });
  }

  it("needs a client that can prove who it is, and shows no token that the server quotes (F8)", async () => {
    const { issuer } = await world();
    assert.equal((await failureOf(introspectToken(issuer, app, "t"))).serverError, "invalid_client");
    const quoting = stub(
      ({ form }) => json({ error: "invalid_request", error_description: `no: ${form.get("token")}` }, 400),
      { metadata },
    );
    const error = await failureOf(introspectToken(quoting.issuer, service, "token-canary"));
    assert.deepEqual([error.code, error.serverDescription], ["server_refused", "no: …"]);
    assertHides(error, "token-canary");
  });

  it("is unsupported where the server does not offer it", async () => {
    const { issuer, sent } = stub(json({ active: true }));
    assert.equal((await failureOf(introspectToken(issuer, service, "t"))).code, "unsupported");
    assert.deepEqual(sent, []);
  });
});

describe("a signed introspection (RFC 9701)", () => {
  /** A server that signs `claims`, changed, with its key or another one. */
  async function signing(
    changes: Record<string, unknown> = {},
    header: Record<string, unknown> = {},
    sign?: SigningKey,
  ): Promise<Stub> {
    const key = await generateSigningKey();
    const place: Stub = stub(async ({ url }) => {
      if (url.endsWith("/jwks")) return json({ keys: [{ ...key.publicJwk, alg: "ES256" }] });
      const claims = {
        iss: "https://as.test",
        aud: "service",
        iat: Math.floor(place.clock.now() / 1000),
        token_introspection: { active: true, sub: "ada" },
        ...changes,
      };
      const jwt = await signJwt(sign ?? key, { typ: "token-introspection+jwt", ...header }, claims);
      return new Response(jwt, { headers: { "content-type": `${SIGNED}; charset=utf-8` } });
    }, { metadata: { ...metadata, introspection_signing_alg_values_supported: ["ES256"] } });
    return place;
  }

  it("is asked for and verified", async () => {
    const { server, issuer } = await world();
    const { accessToken } = await clientCredentialsGrant(issuer, service);
    server.clearRequests();
    const said = await introspectToken(issuer, service, accessToken, { signed: true });
    assert.deepEqual([said.active, said.client_id], [true, "service"]);
    assert.equal(server.requests[0].headers.get("accept"), SIGNED);
    assert.equal(server.count("jwks"), 1);
  });

  it("is verified also when nobody asked for it", async () => {
    const { issuer } = await signing();
    assert.deepEqual(await introspectToken(issuer, service, "t"), { active: true, sub: "ada" });
    const stranger = await signing({}, {}, await generateSigningKey());
    assert.equal((await failureOf(introspectToken(stranger.issuer, service, "t"))).code, "invalid_response");
  });

  it("is refused unsigned when a signed one was asked for", async () => {
    for (const type of ["application/json", "application/jwt", ""]) {
      const { issuer } = stub(json({ active: true }, 200, { "content-type": type }), { metadata });
      const error = await failureOf(introspectToken(issuer, service, "t", { signed: true }));
      assert.equal(error.code, "invalid_response");
      assert.match(error.message, /not signed/);
    }
  });

  for (
    const [name, changes, header] of [
      ["of another issuer", { iss: "https://evil.test" }, {}],
      ["without an issuer", { iss: undefined }, {}],
      ["for another client", { aud: "other" }, {}],
      ["without an audience", { aud: undefined }, {}],
      ["without a time", { iat: undefined }, {}],
      ["of another type", {}, { typ: "JWT" }],
      ["with an algorithm that the server does not have", {}, { alg: "none" }],
      ["with a crit that nobody knows", {}, { crit: ["x"] }],
      ["without its content", { token_introspection: undefined }, {}],
      ["with active as a string", { token_introspection: { active: "true" } }, {}],
    ] as const
  ) {
    it(`is refused when it is one ${name} (P15)`, async () => {
      const { issuer } = await signing(changes, header);
      const error = await failureOf(introspectToken(issuer, service, "t", { signed: true }));
      assert.equal(error.code, "invalid_response");
    });
  }

  it("is refused when somebody else signed it, or its bytes are none (P15)", async () => {
    const { issuer } = await signing({}, {}, await generateSigningKey());
    assert.equal(
      (await failureOf(introspectToken(issuer, service, "t", { signed: true }))).code,
      "invalid_response",
    );
    for (const body of ["", "a.b.c", "eyJhbGciOiJFUzI1NiJ9.e30.!", "{}"]) {
      const broken = stub(json(body, 200, { "content-type": SIGNED }), { metadata });
      const error = await failureOf(introspectToken(broken.issuer, service, "t", { signed: true }));
      assert.equal(error.code, "invalid_response", body);
    }
  });

  it("ends at once on an abort while the keys are being fetched", async () => {
    const { issuer, sent } = await signing();
    const asked = Promise.withResolvers<void>();
    const fetchKeys = ({ signal }: RequestInit) => {
      asked.resolve();
      return hang(sent[0], signal ?? undefined);
    };
    const slow = {
      ...issuer,
      metadata: { ...issuer.metadata },
      http: {
        ...issuer.http,
        fetch: (url: string, init: RequestInit) =>
          url.endsWith("/jwks") ? fetchKeys(init) : issuer.http.fetch!(url, init),
      },
    };
    const controller = new AbortController();
    const { signal } = controller;
    const work = introspectToken(slow, service, "t", { signed: true, signal });
    await asked.promise;
    controller.abort();
    assert.ok(await endsAtOnce(work));
    assert.equal((await failureOf(work)).code, "aborted");
  });
});
