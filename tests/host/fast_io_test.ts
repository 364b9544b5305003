import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { directories } from "../../lib/host/directories.ts";
import { fastIo } from "../../lib/host/fast_io.ts";
import { runProgram } from "./programs.ts";

describe("the quick calls of this runtime", () => {
  /** What a process with these variables finds; a runtime of its own, for the environment is everybody's here. */
  const found = async (variables: Record<string, string>) =>
    JSON.parse(
      (await runProgram("quick", ["APEX_TOKEN_PROFILE"], {
        env: { HOME: "/home/ada", ...variables },
        cwd: "/",
      })).stdout,
    );

  const platform = process.platform === "darwin" ? "darwin" : "linux";
  const environments: Record<string, string>[] = [
    {},
    { XDG_CONFIG_HOME: "/c", XDG_DATA_HOME: "/d", XDG_STATE_HOME: "/s" },
    { XDG_CONFIG_HOME: "relative", XDG_STATE_HOME: "./s" },
    { XDG_STATE_HOME: "" },
    { HOME: "/home/ada lovelace" },
  ];
  for (const variables of environments) {
    it(`find the places that everything else uses: ${JSON.stringify(variables)}`, async () => {
      const environment = (name: string) => variables[name] || undefined;
      const home = variables.HOME ?? "/home/ada";
      const { config, data, state } = directories({ platform, environment, home });
      assert.deepEqual(await found(variables), { config, data, state, value: null });
    });
  }

  it("are not there without a home", async () => {
    for (const HOME of ["", "relative"]) assert.equal(await found({ HOME }), null);
  });

  it("take an empty variable for none", async () => {
    assert.equal((await found({ APEX_TOKEN_PROFILE: "" })).value, null);
    assert.equal((await found({ APEX_TOKEN_PROFILE: "p" })).value, "p");
  });

  it("read a file, and nothing where there is none", () => {
    const folder = mkdtempSync(join(tmpdir(), "apex-token-fast-"));
    try {
      const { read } = fastIo()!;
      writeFileSync(join(folder, "file"), "content");
      assert.equal(new TextDecoder().decode(read(join(folder, "file"))), "content");
      assert.equal(read(join(folder, "none")), undefined);
      assert.equal(read(folder), undefined);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
