import assert from "node:assert/strict";
import { it } from "node:test";
import config from "../deno.json" with { type: "json" };
import { version } from "../lib/version.ts";

it("says the version that deno.json says", () => {
  assert.equal(version, config.version);
});
