import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const read = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), "utf8");

/** The rows of the tables: the feature, and what is said of it in each column. */
const rows = read("docs/features.md").split("\n")
  .filter((line) => /^\| [^-]/.test(line) && !line.startsWith("| Feature "))
  .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));

/** What the front doors export, and the members of it that the tables name. */
const exported = new Set(
  [...(read("mod.ts") + read("lib/session/stores.ts")).matchAll(/^export \{([^}]*)\}/gm)]
    .flatMap(([, names]) => names.split(",").map((name) => name.trim().replace(/^type /, ""))),
);
const members: Record<string, string> = {
  audience: "lib/oauth/token_request.ts",
  resource: "lib/oauth/token_request.ts",
  decrypt: "lib/oauth/client.ts",
};

describe("the table of features", () => {
  it("has an answer of ours in each row", () => {
    assert.ok(rows.length > 30);
    for (const [feature, here] of rows) assert.match(here, /\w/, feature);
  });

  it("names what there is", () => {
    for (const [feature, here] of rows) {
      for (const [, name] of here.matchAll(/`([\w@/ -]+)`/g)) {
        if (name.startsWith("@apex/token") || name.startsWith("apex-token ") || name === "profile") continue;
        const file = members[name];
        const found = file
          ? new RegExp(`^\\s+readonly ${name}\\?|^\\s+${name}\\?`, "m").test(read(file))
          : exported.has(name);
        assert.ok(found, `${feature}: ${name}`);
      }
    }
  });
});
