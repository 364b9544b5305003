/**
 * Requirements that are about what is shipped and written rather than about a request.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { checkRedirectUri } from "../../lib/profile/browser_sign_in.ts";
import { providers } from "../../lib/providers.ts";
import { sources } from "../../scripts/run.ts";
import { root } from "../../scripts/toolchain.ts";
import { importsOf } from "../source_text.ts";

const read = (file: string): string => readFileSync(root + file, "utf8");

describe("what is shipped", () => {
  it("A15 opens pages in the person's own browser: nothing in it shows pages itself", async () => {
    const foreign = new Set<string>();
    for (const file of await sources("lib")) {
      for (const { specifier } of importsOf(read(file))) {
        if (specifier && !/^(?:\.|node:)/.test(specifier)) foreign.add(specifier.split("/")[0]);
      }
    }
    const known = ["@noble", "bun:sqlite", "commander", "hash-wasm", "oauth4webapi", "uqr", "valibot"];
    // one that is new here is looked at first
    assert.deepEqual([...foreign].filter((name) => !known.includes(name)), []);
    assert.ok(foreign.has("oauth4webapi"));
  });

  it("A16 has no client secret for anybody in it", () => {
    assert.ok(providers.length > 3);
    for (const provider of providers) {
      const members = Object.keys(provider).filter((name) => /secret|password|private/i.test(name));
      assert.deepEqual(members, [], provider.name);
    }
  });

  it("A17 takes no private-use scheme for the way back from the browser", () => {
    for (const uri of ["apex:/callback", "int.esa.apex:/callback", "com.example.app://callback"]) {
      assert.throws(() => checkRedirectUri(uri), { code: "invalid_argument" });
    }
  });

  it("D10 comes with what can go wrong when another device signs in, and what is done about it", () => {
    const [, section = ""] = read("docs/security.md").split(/^## A sign-in on another device$/m);
    const [text] = section.replace(/\s+/g, " ").split(" ## ");
    const shown = [...text.matchAll(/"([^"]+)"/g)].map(([, words]) => words);
    assert.ok(shown.length >= 2, text);
    const source = read("lib/profile/device_sign_in.ts");
    for (const words of shown) assert.ok(source.includes(words), words);
  });

  it("comes with a threat model, its limits, and how to report a fault", () => {
    const sections = new Map(
      read("docs/security.md").split(/^## /m).slice(1).map((text) => [text.split("\n", 1)[0], text]),
    );
    const rows = sections.get("Threat model")?.match(/^\| (?!-|Who ).*\|$/gm) ?? [];
    assert.ok(rows.length >= 8);
    // each says what is done and what is not
    for (const row of rows) assert.ok(row.split("|").slice(1, -1).every((cell) => cell.trim() !== ""), row);
    const limits: readonly string[] = sections.get("Honest limits")?.match(/^\d+\. /gm) ?? [];
    for (const [, limit] of sections.get("Threat model")!.matchAll(/limit (\d+)/g)) {
      assert.ok(limits.includes(`${limit}. `), limit);
    }
    assert.match(sections.get("Reporting a fault") ?? "", /in private first[^]*Never send a real token/);
    assert.match(
      read("CONTRIBUTING.md"),
      /better told in private first: see \[security\]\(docs\/security\.md/,
    );
  });

  it("says of each dependency why it is there, and names those of the package by their version", () => {
    const { imports }: { imports: Record<string, string> } = JSON.parse(read("deno.json"));
    const text = read("docs/decisions.md");
    const inside = [
      "@noble/ciphers",
      "@noble/hashes",
      "commander",
      "hash-wasm",
      "oauth4webapi",
      "uqr",
      "valibot",
    ];
    for (const [name, specifier] of Object.entries(imports)) {
      const version = specifier.replace(/^.*@/, "");
      assert.ok(text.includes(`\`${name}\`${inside.includes(name) ? ` ${version}` : ""}`), specifier);
    }
  });
});
