import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { sources } from "../../scripts/run.ts";
import { root } from "../../scripts/toolchain.ts";
import { forWorkerd, isOfTheCore, notInWorkerd, standIns } from "../../scripts/workerd_files.ts";
import { importsOf } from "../source_text.ts";

const files = (await sources("tests")).filter((file) => file.endsWith("_test.ts"));

/** What `file` imports of Node that has no stand-in, directly or through others; types do not count. */
function missing(file: string, seen = new Set<string>()): string[] {
  if (seen.has(file)) return [];
  seen.add(file);
  const source = readFileSync(root + file, "utf8").replace(/^import type [^;]*;/gm, "");
  return importsOf(source).flatMap(({ specifier }) => {
    if (specifier === undefined) return [];
    if (specifier.startsWith("node:")) return specifier in standIns ? [] : [specifier];
    if (!specifier.startsWith(".") || !specifier.endsWith(".ts")) return [];
    const path = new URL(specifier, `file:///${file}`).pathname.slice(1);
    return existsSync(root + path) ? missing(path, seen) : [];
  });
}

describe("the test files for workerd", () => {
  it("are all those of what runs everywhere that are not listed", () => {
    const run = forWorkerd(files);
    assert.ok(run.length > 80, String(run.length));
    for (
      const room of ["errors_", "clock_", "safe_text_", "providers_", "http/", "oauth/", "oauth/grants/"]
    ) {
      assert.ok(run.some((file) => file.startsWith(`tests/${room}`)), room);
    }
    for (const room of ["store/", "session/", "testing/", "security/", "workerd/"]) {
      assert.ok(run.some((file) => file.startsWith(`tests/${room}`)), room);
    }
    assert.ok(run.every((file) => !/^tests\/(?:cli|host|profile|interop|hostile|agent)\//.test(file)));
  });

  it("take a new one in by itself", () => {
    const fresh = ["tests/http/new_test.ts", "tests/session/deep/new_test.ts", "tests/security/new_test.ts"];
    assert.deepEqual(forWorkerd(fresh), fresh);
    assert.deepEqual(forWorkerd(["tests/cli/new_test.ts", "tests/host/new_test.ts"]), []);
  });

  for (const [file, reason] of Object.entries(notInWorkerd)) {
    it(`leave out ${file}, for ${reason}`, () => {
      assert.ok(files.includes(file), "there is no such file");
      assert.ok(isOfTheCore(file), "it need not be listed");
      assert.notDeepEqual(missing(file), [], "nothing keeps it from running there");
    });
  }
});
