import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { challengeParameters } from "../../lib/http/challenge.ts";

/** The parameters of a challenge, as an object. */
function read(header: string, ...schemes: string[]): Record<string, string> {
  const headers = new Headers({ "www-authenticate": header });
  return Object.fromEntries(challengeParameters(headers, schemes.length ? schemes : undefined));
}

describe("the parameters of a challenge", () => {
  it("are none without one", () => {
    assert.deepEqual([...challengeParameters(new Headers())], []);
  });

  it("are read in any case, quoted or not, with blanks around the sign", () => {
    assert.deepEqual(read('BEARER Realm="a b", ERROR = invalid_token,scope="x"'), {
      realm: "a b",
      error: "invalid_token",
      scope: "x",
    });
  });

  it("are the first of each name", () => {
    assert.deepEqual(read('Bearer error="first", error="second"'), { error: "first" });
    assert.deepEqual(read('Basic realm="a", Bearer realm="b", error="c"'), { realm: "a", error: "c" });
  });

  it("are those of the schemes that count", () => {
    const header = 'Basic realm="a", error="x", DPoP error="use_dpop_nonce", Bearer error="invalid_token"';
    assert.deepEqual(read(header, "bearer"), { error: "invalid_token" });
    assert.deepEqual(read(header, "bearer", "dpop"), { error: "use_dpop_nonce" });
    assert.deepEqual(read(header, "negotiate"), {});
  });

  it("hold what is quoted in them, and nothing of it is taken for a challenge", () => {
    assert.deepEqual(read(String.raw`Bearer error="say \"no\"", realm="Basic error=x, \\"`), {
      error: 'say "no"',
      realm: "Basic error=x, \\",
    });
  });

  it("are looked for in the first 16,384 characters", () => {
    const long = `Bearer realm="${"x".repeat(16_384)}", error="late"`;
    assert.deepEqual(read(long), {});
    assert.equal(read(`Bearer error="early", realm="${"x".repeat(16_384)}"`).error, "early");
  });
});
