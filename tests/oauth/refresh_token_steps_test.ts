import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { showsTokens } from "../../lib/oauth/grants/refresh_token_steps.ts";

describe("a success that nobody can read", () => {
  const shows = (text: string) => showsTokens(new TextEncoder().encode(text));

  it("shows that the request was carried out when it begins like an answer with tokens", () => {
    assert.ok(shows('{"access_token":"abc'));
    assert.ok(shows(' {\n "token_type": "Bearer", "refresh_token": "r"'));
  });

  it("shows nothing when somebody in between has spoken, or nobody", () => {
    for (const text of ["", "{", "<html>access_token</html>", '["access_token"]', '{"error":"x"}']) {
      assert.ok(!shows(text), text);
    }
  });
});
