import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, describe, it } from "node:test";
import { directories } from "../../lib/host/directories.ts";
import { fastIo } from "../../lib/host/fast_io.ts";

describe("the quick calls of this runtime", () => {
  const names = ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "APEX_TOKEN_PROFILE"];
  let before: Record<string, string | undefined>;

  beforeEach(() => {
    before = Object.fromEntries(names.map((name) => [name, process.env[name]]));
    for (const name of names) delete process.env[name];
    process.env.HOME = "/home/ada";
  });
  afterEach(() => {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });

  const platform = process.platform === "darwin" ? "darwin" : "linux";
  const environments: Record<string, string>[] = [
    {},
    { XDG_CONFIG_HOME: "/c", XDG_STATE_HOME: "/s" },
    { XDG_CONFIG_HOME: "relative", XDG_STATE_HOME: "./s" },
    { XDG_STATE_HOME: "" },
    { HOME: "/home/ada lovelace" },
  ];
  for (const variables of environments) {
    it(`find the places that everything else uses: ${JSON.stringify(variables)}`, () => {
      Object.assign(process.env, variables);
      const environment = (name: string) => process.env[name] || undefined;
      const { config, state } = directories({ platform, environment, home: process.env.HOME! });
      const io = fastIo()!;
      assert.deepEqual([io.config, io.state], [config, state]);
    });
  }

  it("are not there without a home", () => {
    for (const home of ["", "relative"]) {
      process.env.HOME = home;
      assert.equal(fastIo(), undefined);
    }
  });

  it("take an empty variable for none", () => {
    process.env.APEX_TOKEN_PROFILE = "";
    assert.equal(fastIo()!.environment("APEX_TOKEN_PROFILE"), undefined);
    process.env.APEX_TOKEN_PROFILE = "p";
    assert.equal(fastIo()!.environment("APEX_TOKEN_PROFILE"), "p");
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
