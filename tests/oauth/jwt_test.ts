import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { unverifiedClaims, unverifiedHeader } from "../../lib/oauth/jwt.ts";
import { base64url } from "../testing/support.ts";

const header = { alg: "ES256", kid: "a" };
const claims = { sub: "zoë ⊕", exp: 1 };
const jwt = [header, claims].map((part) => base64url(JSON.stringify(part))).join(".");

describe("a JWT that is looked into", () => {
  it("shows its header and its claims, signed or not", () => {
    for (const signature of ["c2ln", ""]) {
      assert.deepEqual(unverifiedHeader(`${jwt}.${signature}`), header);
      assert.deepEqual(unverifiedClaims(`${jwt}.${signature}`), claims);
    }
  });

  for (
    const [name, text] of [
      ["an opaque token", "opaque-token"],
      ["nothing", ""],
      ["two parts", jwt],
      ["four parts", `${jwt}.c.d`],
      ["padding", `${base64url("{}")}.e30=.c`],
      ["bytes that are no JSON", "YQ.YQ.c"],
      ["a list of nothing", "bnVsbA.bnVsbA.c"],
      ["a member twice", `${base64url('{"a":1,"a":2}')}.${base64url('{"sub":"a","sub":"b"}')}.c`],
      ["a prototype", `${base64url('{"__proto__":{}}')}.${base64url('{"__proto__":{}}')}.c`],
      ["more than 64 KiB", `${base64url(JSON.stringify({ a: "x".repeat(70_000) }))}.e30.c`],
    ]
  ) {
    it(`is none when it is ${name}`, () => {
      assert.equal(unverifiedHeader(text), undefined);
      assert.equal(unverifiedClaims(text), undefined);
    });
  }
});
