import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ErrorCode, TokenError, type TokenErrorOptions } from "../../lib/errors.ts";
import { outcomeOf } from "../../lib/session/refresh_outcome.ts";

describe("a refresh token whose presentation failed", () => {
  const cases: [what: string, outcome: string, code: ErrorCode, options: TokenErrorOptions][] = [
    ["the name of the server was not found", "unsent", "network", { sent: false }],
    ["the connection broke", "unclear", "network", { sent: true }],
    ["nobody says whether it was sent", "unclear", "network", {}],
    ["there was no answer in time", "unclear", "timeout", { sent: true }],
    ["the server was in trouble", "unclear", "unavailable", { sent: true, status: 500 }],
    ["a gateway had no answer", "unclear", "unavailable", { sent: true, status: 502 }],
    ["the server was overloaded", "unclear", "unavailable", { sent: true, status: 503 }],
    ["it was overloaded, and says when to come back", "unsent", "unavailable", {
      status: 503,
      retryAfter: 5,
      sent: true,
    }],
    ["there were too many requests", "unsent", "unavailable", { status: 429, sent: true }],
    ["there was a redirect", "unclear", "invalid_response", { status: 302, sent: true }],
    ["the answer was too long", "unclear", "invalid_response", { sent: true }],
    ["the token is dead", "dead", "sign_in_required", {
      serverError: "invalid_grant",
      status: 400,
      sent: true,
    }],
    ["it is dead, and the server says so with a 5xx", "dead", "server_refused", {
      serverError: "invalid_grant",
      status: 500,
    }],
    ["the client's secret is wrong", "refused", "server_refused", {
      serverError: "invalid_client",
      status: 401,
    }],
    ["the scope is too wide", "refused", "server_refused", { serverError: "invalid_scope", status: 400 }],
    ["the file with the client's secret is gone", "refused", "storage", {}],
  ];
  for (const [what, outcome, code, options] of cases) {
    it(`is ${outcome} when ${what}`, () => {
      const error = new TokenError(code, "so it is", options);
      assert.deepEqual(outcomeOf(error), { is: outcome, error });
    });
  }
});
