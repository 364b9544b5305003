import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { root } from "../../scripts/toolchain.ts";
import { readVersion } from "../interop/keycloak/java.ts";
import { currentRuntime, runProcess } from "../process.ts";

describe("deno task interop", () => {
  it("fails with one sentence where Java or Maven is missing, and counts that", async () => {
    const empty = mkdtempSync(join(tmpdir(), "apex-token-empty-"));
    try {
      const env = {
        PATH: empty,
        XDG_CACHE_HOME: empty,
        NO_COLOR: "1",
        DENO_DIR: process.env.DENO_DIR ?? `${homedir()}/.cache/deno`,
      };
      const words = currentRuntime() === "deno" ? ["run", "-A", "--cached-only"] : [];
      const script = `${root}scripts/interop.ts`;
      const { code, stdout, stderr } = await runProcess(process.execPath, [...words, script], { env });
      assert.equal(code, 1);
      assert.match(stderr, /^Cannot (start|get) Keycloak: (Java|Maven \(mvn\)) is missing\. Install .+$/m);
      assert.match(stdout, /^0 passed, 1 failed\n$/m);
    } finally {
      rmSync(empty, { recursive: true, force: true });
    }
  });

  it("knows the version of any Java by what it says of itself", () => {
    assert.deepEqual(readVersion('openjdk version "25.0.3" 2026-04-21 LTS\nOpenJDK …'), [25, 0, 3]);
    assert.deepEqual(readVersion('java version "1.8.0_392"'), [8, 0]);
    assert.deepEqual(readVersion('openjdk version "26-ea" 2026-09-15'), [26]);
    assert.equal(readVersion("no such file"), undefined);
  });
});
