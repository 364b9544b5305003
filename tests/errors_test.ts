import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { type ErrorCode, isTokenError, TokenError } from "../lib/errors.ts";

describe("a token error", () => {
  it("is an Error with a code for programs and a sentence for people", () => {
    const error = new TokenError("server_refused", "The server said no");
    assert.ok(error instanceof Error);
    assert.equal(error.name, "TokenError");
    assert.equal(error.code, "server_refused");
    assert.equal(error.message, "The server said no");
    assert.match(error.stack!, /TokenError/);
    assert.equal(error.cause, undefined);
  });

  it("has no more than it was given", () => {
    const bare = new TokenError("key", "x");
    const told = Object.entries(bare).filter(([, value]) => value !== undefined);
    assert.deepEqual(Object.fromEntries(told), { name: "TokenError", code: "key", retryable: false });
    const full = {
      nextStep: "n",
      serverError: "e",
      serverDescription: "d",
      status: 400,
      retryAfter: 1,
      sent: true,
    };
    const { nextStep, serverError, serverDescription, status, retryAfter, sent } = new TokenError(
      "key",
      "x",
      full,
    );
    assert.deepEqual({ nextStep, serverError, serverDescription, status, retryAfter, sent }, full);
  });

  for (
    const [code, retryable] of [
      ["network", true],
      ["timeout", true],
      ["unavailable", true],
      ["server_refused", false],
      ["sign_in_required", false],
      ["aborted", false],
      ["internal", false],
    ] as [ErrorCode, boolean][]
  ) {
    it(`${retryable ? "may pass" : "stays"} when it is ${code}, unless somebody knows better`, () => {
      assert.equal(new TokenError(code, "x").retryable, retryable);
      assert.equal(new TokenError(code, "x", { retryable: !retryable }).retryable, !retryable);
    });
  }

  it("makes the server's words safe and short", () => {
    const hostile = "\x1b[31mred\x1b]0;t\x07\u202e\r\n" + "x".repeat(1000);
    const { serverError, serverDescription } = new TokenError("server_refused", "x", {
      serverError: hostile,
      serverDescription: hostile,
    });
    assert.match(serverError!, /^red x+…$/);
    assert.match(serverDescription!, /^red x+…$/);
    assert.equal(serverError!.length, 100);
    assert.equal(serverDescription!.length, 200);
  });

  it("keeps its details when it is told anew", () => {
    const first = new TokenError("server_refused", "x", {
      serverError: "invalid_grant",
      status: 400,
      sent: true,
    });
    const second = new TokenError("sign_in_required", "y", { ...first, nextStep: "Sign in again" });
    assert.equal(second.code, "sign_in_required");
    assert.equal(second.message, "y");
    assert.equal(second.serverError, "invalid_grant");
    assert.equal(second.status, 400);
    assert.equal(second.sent, true);
    assert.equal(second.retryable, false);
  });

  it("can be logged, inspected and serialised", () => {
    const error = new TokenError("network", "x", { status: 503 });
    assert.match(inspect(error), /TokenError/);
    assert.equal(String(error), "TokenError: x");
    const { code, name, retryable, status } = JSON.parse(JSON.stringify(error));
    assert.deepEqual({ code, name, retryable, status }, {
      code: "network",
      name: "TokenError",
      retryable: true,
      status: 503,
    });
  });
});

describe("isTokenError", () => {
  it("knows an error of this package, also of another copy of it", () => {
    assert.ok(isTokenError(new TokenError("key", "x")));
    assert.ok(isTokenError(Object.assign(new Error("x"), { name: "TokenError", code: "key" })));
  });

  it("knows what is none", () => {
    const named = Object.assign(new Error("x"), { name: "TokenError" });
    for (
      const other of [new Error("x"), named, { name: "TokenError", code: "key" }, "x", null, undefined, 42]
    ) {
      assert.ok(!isTokenError(other));
    }
  });
});
