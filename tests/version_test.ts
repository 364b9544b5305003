import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { it } from "node:test";
import { version } from "../lib/version.ts";

it("says the version that deno.json says", async () => {
  const config = JSON.parse(await readFile(new URL("../deno.json", import.meta.url), "utf8"));
  assert.equal(version, config.version);
});
