import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describeClaims } from "../../lib/cli/claims.ts";

const NOW = Date.UTC(2026, 0, 1) / 1000;

/** The rows of some claims, as `label: text`. */
function rowsOf(claims: Record<string, unknown>): string[] {
  return describeClaims(claims, NOW).map((row) => row.join(": "));
}

describe("the claims of a token in words", () => {
  it("say who, for whom and what for, by their own names where they have one", () => {
    assert.deepEqual(
      rowsOf({
        x_unknown: { a: [1] },
        scope: "openid roles",
        aud: ["one", "two"],
        azp: "app",
        sub: "4711",
        preferred_username: "ada",
        iss: "https://as.test",
        "wlcg.groups": ["/wlcg", "/wlcg/xfers"],
        jti: "id",
      }),
      [
        "issuer: https://as.test",
        "subject: 4711",
        "user name: ada",
        "client: app",
        "for: one, two",
        "scopes: openid roles",
        "groups: /wlcg, /wlcg/xfers",
        "token id: id",
        'x_unknown: {"a":[1]}',
      ],
    );
  });

  it("name the client once, however often the token does", () => {
    assert.deepEqual(rowsOf({ client_id: "app", azp: "app" }), ["client: app"]);
  });

  it("say which roles there are, of the realm and of each client (Keycloak)", () => {
    const claims = {
      realm_access: { roles: ["user", "editor"] },
      resource_access: { account: { roles: ["view-profile"] }, api: { roles: [] }, odd: null },
    };
    assert.deepEqual(rowsOf(claims), ["roles: user, editor", "roles at account: view-profile"]);
    for (const odd of [null, 1, "roles", [], { roles: "all" }]) {
      assert.deepEqual(rowsOf({ realm_access: odd, resource_access: odd }), []);
    }
  });

  it("say since when and until when, and how long that is", () => {
    assert.deepEqual(rowsOf({ iat: NOW - 90, nbf: NOW - 90, exp: NOW + 3600, auth_time: NOW - 7200 }), [
      "issued: 2025-12-31T23:58:30Z, 1 minute 30 seconds ago",
      "good until: 2026-01-01T01:00:00Z, for 1 hour more",
      "signed in: 2025-12-31T22:00:00Z",
    ]);
    assert.deepEqual(rowsOf({ nbf: NOW + 60, exp: NOW - 1 }), [
      "good from: 2026-01-01T00:01:00Z, in 1 minute",
      "good until: 2025-12-31T23:59:59Z: ended 1 second ago",
    ]);
    assert.deepEqual(rowsOf({ exp: NOW }), ["good until: 2026-01-01T00:00:00Z: ended 0 seconds ago"]);
    assert.deepEqual(rowsOf({ iat: "now", exp: null, auth_time: [] }), []);
  });
});
