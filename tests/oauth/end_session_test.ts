import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { endSessionUrl } from "../../lib/oauth/end_session.ts";
import { passwordGrant } from "../../lib/oauth/grants/password.ts";
import { refreshTokenGrant } from "../../lib/oauth/grants/refresh_token.ts";
import type { TokenError } from "../../lib/errors.ts";
import { app, failureOf, json, stub, world } from "./support.ts";

describe("the page that ends the session of a browser", () => {
  it("ends it, and leads back to the program", async () => {
    const { server, issuer } = await world();
    const ada = { username: "ada", password: "lovelace", scope: "openid" };
    const { idToken, refreshToken } = await passwordGrant(issuer, app, ada);
    const url = endSessionUrl(issuer, app, {
      idTokenHint: idToken,
      postLogoutRedirectUri: "http://127.0.0.1:49152/",
      state: "a&b",
    });
    assert.equal(await server.authorize(url), "http://127.0.0.1:49152/?state=a%26b");
    const error = await failureOf(refreshTokenGrant(issuer, app, { refreshToken: refreshToken! }));
    assert.equal(error.code, "sign_in_required");
  });

  it("is told which client asks, and nothing that nobody gave", () => {
    const end_session_endpoint = "https://as.test/logout?tenant=7";
    const { issuer, sent } = stub(json({}), { metadata: { end_session_endpoint } });
    assert.equal(endSessionUrl(issuer, app), "https://as.test/logout?tenant=7&client_id=app");
    assert.equal(
      endSessionUrl(issuer, app, { logoutHint: "ada" }),
      "https://as.test/logout?tenant=7&logout_hint=ada&client_id=app",
    );
    assert.deepEqual(sent, []);
  });

  for (
    const [endpoint, code] of [
      [undefined, "unsupported"],
      ["http://as.test/logout", "invalid_metadata"],
      ["javascript:alert(1)", "invalid_metadata"],
      ["https://as.test/logout#x", "invalid_metadata"],
    ]
  ) {
    it(`is not ${endpoint} (C1)`, () => {
      const { issuer } = stub(json({}), { metadata: { end_session_endpoint: endpoint } });
      assert.throws(() => endSessionUrl(issuer, app, { idTokenHint: "hint" }), (error: TokenError) => {
        return error.code === code && !error.message.includes("hint");
      });
    });
  }
});
