import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { proofKey } from "../../lib/oauth/pkce.ts";
import { challengeOf, failureOf, json, stub } from "./support.ts";

const issuerThatKnows = (methods?: unknown) =>
  stub(json({}), { metadata: { code_challenge_methods_supported: methods as string[] } }).issuer;

describe("a proof key", () => {
  it("is 256 random bits in unreserved characters, with the SHA-256 of them as its challenge", async () => {
    const { verifier, parameters } = await proofKey(issuerThatKnows(["S256"]));
    assert.match(verifier, /^[\w-]{43}$/);
    assert.equal(parameters.code_challenge_method, "S256");
    assert.equal(parameters.code_challenge, await challengeOf(verifier));
  });

  it("is another one each time", async () => {
    const issuer = issuerThatKnows(["plain", "S256"]);
    const verifiers = await Promise.all(Array.from({ length: 1000 }, () => proofKey(issuer)));
    assert.equal(new Set(verifiers.map(({ verifier }) => verifier)).size, 1000);
  });

  for (const methods of [undefined, [], ["S256"], "S256"]) {
    it(`is made for a server that says ${JSON.stringify(methods)}`, async () => {
      assert.ok((await proofKey(issuerThatKnows(methods))).verifier);
    });
  }

  it("is refused to a server that knows plain only, with what to do instead", async () => {
    const error = await failureOf(proofKey(issuerThatKnows(["plain"])));
    assert.equal(error.code, "unsupported");
    assert.match(error.nextStep!, /device code/);
  });
});
