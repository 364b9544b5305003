import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { systemClock } from "../../lib/clock.ts";
import type { Fetch } from "../../lib/http/http.ts";
import { discover } from "../../lib/oauth/issuer.ts";
import { verifyJwtSignature } from "../../lib/oauth/jwt_signature.ts";
import { authorizationServer } from "../../lib/testing/mod.ts";

/** A server that answers when all have asked. */
async function place() {
  const server = await authorizationServer();
  const fetch: Fetch = async (url, init) => {
    await systemClock.sleep(200);
    return await server.fetch(url, init);
  };
  const issuer = await discover(server.issuer, { fetch });
  return { server, issuer, jwt: String((await server.issue()).access_token) };
}

describe("the keys of an issuer", () => {
  it("are fetched once for 1,000 signatures that are looked at in the same moment", async () => {
    const { server, issuer, jwt } = await place();
    await Promise.all(Array.from({ length: 1000 }, () => verifyJwtSignature(issuer, jwt)));
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
    const { server, issuer, jwt } = await place();
    server.fault("jwks", { type: "status", status: 404 });
    const both = [verifyJwtSignature(issuer, jwt), verifyJwtSignature(issuer, jwt)];
    const ends = await Promise.allSettled(both);
    assert.deepEqual(ends.map(({ status }) => status), ["rejected", "rejected"]);
    assert.equal(server.count("jwks"), 1);
    await verifyJwtSignature(issuer, jwt);
    assert.equal(server.count("jwks"), 2);
  });
});
