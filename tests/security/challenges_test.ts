import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { apiWith } from "./support.ts";

describe("a request to an API", () => {
  it("C19 is judged by the error of our own scheme alone, among several challenges and within quoted strings", async () => {
    const challenges: [string, number][] = [
      ['Basic realm="x", error="other", Bearer error="invalid_token"', 2],
      ['Other error="invalid_token", Bearer error="insufficient_scope"', 1],
      ['Bearer realm="say error=insufficient_scope", error="invalid_token"', 2],
      ['Bearer error="insufficient_scope", Other error="invalid_token"', 1],
      ["bearer error=invalid_token", 2],
    ];
    for (const [challenge, requests] of challenges) {
      const api = apiWith(challenge);
      await api.source.fetch("https://api.test/");
      assert.equal(api.tokenRequests(), requests, challenge);
    }
  });
});
