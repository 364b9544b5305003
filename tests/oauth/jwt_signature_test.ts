import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Fetch } from "../../lib/http/http.ts";
import { discover, issuerFromMetadata } from "../../lib/oauth/issuer.ts";
import { verifyJwtSignature } from "../../lib/oauth/jwt_signature.ts";
import { authorizationServer } from "../../lib/testing/mod.ts";
import { fakeClock } from "../fake_clock.ts";

/** A server that answers when all have asked: as soon as 200 ms have passed. */
async function place() {
  const clock = fakeClock();
  const server = await authorizationServer({ clock });
  const { metadata } = await discover(server.issuer, { fetch: server.fetch, clock });
  const fetch: Fetch = async (url, init) => {
    await clock.sleep(200);
    return await server.fetch(url, init);
  };
  const issuer = issuerFromMetadata(metadata, { fetch, clock });
  return { server, clock, issuer, jwt: String((await server.issue()).access_token) };
}

describe("the keys of an issuer", () => {
  it("are fetched once for 1,000 signatures that are looked at in the same moment", async () => {
    const { server, clock, issuer, jwt } = await place();
    const all = Promise.all(Array.from({ length: 1000 }, () => verifyJwtSignature(issuer, jwt)));
    await clock.advance(200);
    await all;
    assert.equal(server.count("jwks"), 1);
  });

  it("are kept for the signatures that are looked at later", async () => {
    const { server, clock, issuer, jwt } = await place();
    const first = verifyJwtSignature(issuer, jwt);
    await clock.untilWaiting();
    await clock.advance(200);
    await first;
    for (let count = 0; count < 2; count++) await verifyJwtSignature(issuer, jwt);
    assert.equal(server.count("jwks"), 1);
  });

  it("are not asked for a signature that none of them can have made", async () => {
    const { server, issuer } = await place();
    for (const alg of ["none", "HS256", "", undefined]) {
      const claims = { iss: server.issuer, sub: "ada" };
      const jwt = [{ alg }, claims].map((part) => btoa(JSON.stringify(part)).replaceAll("=", "")).join(".") +
        ".AAAA";
      await assert.rejects(verifyJwtSignature(issuer, jwt), {
        code: "invalid_response",
        message: /needs no key of the issuer/,
      });
    }
    assert.equal(server.count("jwks"), 0);
  });

  it("are fetched anew after a failure, which all share who asked in that moment", async () => {
    const { server, clock, issuer, jwt } = await place();
    server.fault("jwks", { type: "status", status: 404 });
    const both = Promise.allSettled([verifyJwtSignature(issuer, jwt), verifyJwtSignature(issuer, jwt)]);
    await clock.advance(200);
    assert.deepEqual((await both).map(({ status }) => status), ["rejected", "rejected"]);
    assert.equal(server.count("jwks"), 1);
    const again = verifyJwtSignature(issuer, jwt);
    await clock.advance(200);
    await again;
    assert.equal(server.count("jwks"), 2);
  });
});
