import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { claimsOf } from "../jwt.ts";
import { clientSecretBasic } from "../../lib/oauth/client_authentication.ts";
import { dpopKey } from "../../lib/oauth/dpop.ts";
import { passwordGrant } from "../../lib/oauth/grants/password.ts";
import { clientCredentials, refreshToken } from "../../lib/session/grant.ts";
import { type TokenSource, tokenSource } from "../../lib/session/token_source.ts";
import type { AuthorizationServer, AuthorizationServerOptions } from "../../lib/testing/mod.ts";
import { base64url } from "../testing/support.ts";
import { failureOf, json, tokens, world } from "../oauth/support.ts";

const authentication = clientSecretBasic("service-secret");
const API = "https://api.test/things?a=b";

/** A source of bound tokens, and the API that they are for. */
async function bound(
  options: AuthorizationServerOptions = {},
): Promise<{ server: AuthorizationServer; source: TokenSource }> {
  const { server, issuer } = await world({ resource: "https://api.test/", ...options });
  const client = { clientId: "service", authentication, dpop: await dpopKey() };
  return { server, source: tokenSource(issuer, client, clientCredentials()) };
}

/** A source of bound tokens at an API whose answers the test writes. */
async function answering(reply: (proof: Record<string, unknown>, count: number) => Response): Promise<{
  source: TokenSource;
  proofs: Record<string, unknown>[];
  asked: Request[];
}> {
  const proofs: Record<string, unknown>[] = [];
  const asked: Request[] = [];
  let given = 0;
  const { issuer } = await world();
  const fetch = (url: string, init: RequestInit) => {
    const headers = new Headers(init.headers);
    if (url.endsWith("/token")) {
      return Promise.resolve(json(tokens({ token_type: "DPoP", access_token: `token-${++given}` })));
    }
    const proof = headers.get("dpop");
    proofs.push(proof === null ? {} : claimsOf(proof));
    asked.push(new Request(url, { method: init.method ?? "GET", headers }));
    return Promise.resolve(reply(proofs.at(-1)!, asked.length));
  };
  const client = { clientId: "service", authentication, dpop: await dpopKey(), fetch };
  return { source: tokenSource(issuer, client, clientCredentials()), proofs, asked };
}

function wantsNonce(nonce: string, challenge = 'DPoP error="use_dpop_nonce"'): Response {
  return new Response(null, { status: 401, headers: { "www-authenticate": challenge, "dpop-nonce": nonce } });
}

describe("fetch with a token that is bound to a key", () => {
  it("sends the token as DPoP, with a proof for it (P5)", async () => {
    const { server, source } = await bound();
    for (const [method, body] of [["GET", undefined], ["POST", "x=1"]]) {
      const answer = await source.fetch(API, { method, body });
      assert.equal(answer.status, 200);
      const { headers } = server.requests.at(-1)!;
      const { accessToken } = source.peek()!;
      assert.equal(headers.get("authorization"), `DPoP ${accessToken}`);
      const { ath, htm, htu } = claimsOf(headers.get("dpop")!);
      const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(accessToken));
      assert.deepEqual([ath, htm, htu], [
        base64url(new Uint8Array(digest)),
        method,
        "https://api.test/things",
      ]);
    }
  });

  for (const method of ["get", "post", "delete"]) {
    it(`proves ${method} as the method that fetch makes of it (P5)`, async () => {
      const { server, source } = await bound();
      const { status } = await source.fetch(API, { method });
      assert.deepEqual([status, server.requests.at(-1)!.method], [200, method.toUpperCase()]);
    });
  }

  it("meets the API's demand for a nonce once, and keeps to the newest from then on (P4)", async () => {
    const { server, source } = await bound({ requireDpopNonce: true });
    assert.equal((await source.fetch(API, { method: "POST", body: "whole body" })).status, 200);
    assert.deepEqual(server.requests.map(({ endpoint, status }) => [endpoint, status]), [
      ["token", 400],
      ["token", 200],
      ["resource", 401],
      ["resource", 200],
    ]);
    assert.deepEqual(server.requests.slice(2).map(({ body }) => body), ["whole body", "whole body"]);
    for (let count = 0; count < 3; count++) {
      server.rotateDpopNonces();
      assert.equal((await source.fetch(API)).status, 200);
    }
    assert.equal(server.count("resource"), 5);
    assert.equal(server.count("token"), 2);
  });

  it("gives the answer of an API that demands a second nonce in a row, and renews no token for it (P4)", async () => {
    const { source, proofs, asked } = await answering((_, count) => wantsNonce(`nonce-${count}`));
    const { status } = await source.fetch(API);
    assert.equal(status, 401);
    assert.deepEqual(proofs.map(({ nonce }) => nonce), [undefined, "nonce-1"]);
    assert.deepEqual(asked.map(({ headers }) => headers.get("authorization")), [
      "DPoP token-1",
      "DPoP token-1",
    ]);
  });

  it("keeps the nonces of two APIs apart (P4)", async () => {
    const { source, proofs } = await answering(({ nonce }, count) =>
      nonce ? new Response("done") : wantsNonce(`nonce-${count}`)
    );
    await source.fetch("https://one.test/");
    await source.fetch("https://two.test/");
    await source.fetch("https://one.test/");
    await source.fetch("https://two.test/");
    assert.deepEqual(proofs.map(({ nonce }) => nonce), [
      undefined,
      "nonce-1",
      undefined,
      "nonce-3",
      "nonce-1",
      "nonce-3",
    ]);
  });

  it("renews a token that is no longer good, with a new proof for the new one (P5)", async () => {
    const { source, proofs, asked } = await answering((_, count) =>
      count === 1 ? wantsNonce("n", 'DPoP error="invalid_token"') : new Response("done")
    );
    assert.equal((await source.fetch(API)).status, 200);
    assert.deepEqual(asked.map(({ headers }) => headers.get("authorization")), [
      "DPoP token-1",
      "DPoP token-2",
    ]);
    assert.notEqual(proofs[0].ath, proofs[1].ath);
    assert.notEqual(proofs[0].jti, proofs[1].jti);
  });

  it("shows neither token nor proof to another origin that it is sent to (C18)", async () => {
    const { source, asked } = await answering((_, count) =>
      count === 1
        ? new Response(null, { status: 302, headers: { location: "https://evil.test/" } })
        : wantsNonce("nonce")
    );
    await source.fetch(API);
    const { url, headers } = asked[1];
    assert.equal(url, "https://evil.test/");
    assert.deepEqual([headers.get("authorization"), headers.get("dpop")], [null, null]);
    assert.equal(asked.length, 2);
  });

  it("does not send a stream twice", async () => {
    const { source, asked } = await answering(() => wantsNonce("nonce"));
    const body = new Blob(["once"]).stream();
    assert.equal((await source.fetch(API, { method: "POST", body })).status, 401);
    assert.equal(asked.length, 1);
  });

  it("refuses a token that the server did not bind, before anything reaches the API (P2)", async () => {
    const { server, source } = await bound();
    server.fault("token", { type: "merge", members: { token_type: "Bearer" } });
    assert.equal((await failureOf(source.fetch(API))).code, "invalid_response");
    assert.equal(server.count("resource"), 0);
  });
});

describe("a source whose key was kept with its session", () => {
  it("goes on refreshing and asking with that key (P3)", async () => {
    const { server, issuer } = await world({ resource: "https://api.test/" });
    const dpop = await dpopKey();
    const ada = { username: "ada", password: "lovelace", scope: "openid" };
    const first = await passwordGrant(issuer, { clientId: "app", dpop }, ada);
    const kept = JSON.parse(JSON.stringify({ key: await dpop.export(), token: first.refreshToken }));
    const client = { clientId: "app", dpop: await dpopKey(kept.key) };
    const source = tokenSource(issuer, client, refreshToken({ refreshToken: kept.token }));
    assert.equal((await source.fetch(API)).status, 200);
    assert.equal(claimsOf(source.peek()!.accessToken).cnf.jkt, dpop.thumbprint);
    assert.equal(server.families[0].reused, 0);
  });
});
