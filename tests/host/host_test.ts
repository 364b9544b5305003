import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { workstation } from "../../lib/host/host.ts";
import { currentRuntime, startProcess } from "../process.ts";
import { commandLine, runProgram } from "./programs.ts";

describe("a workstation", () => {
  it("knows what it runs on", () => {
    const host = workstation();
    assert.equal(host.runtime, currentRuntime());
    const platforms: Record<string, string> = { linux: "linux", darwin: "darwin", win32: "windows" };
    assert.equal(host.platform, platforms[process.platform]);
    const before = Date.now();
    const now = host.clock.now();
    assert.ok(now >= before && now <= Date.now());
  });

  it("takes an empty environment variable for an unset one", () => {
    const host = workstation();
    process.env.APEX_TOKEN_TEST = "";
    assert.equal(host.environment("APEX_TOKEN_TEST"), undefined);
    process.env.APEX_TOKEN_TEST = "value";
    assert.equal(host.environment("APEX_TOKEN_TEST"), "value");
    delete process.env.APEX_TOKEN_TEST;
    assert.equal(host.environment("APEX_TOKEN_TEST"), undefined);
  });

  it("asks nobody, colours nothing and assumes 80 columns without a terminal", async () => {
    const { stdout } = await runProgram("streams", ["look"]);
    assert.deepEqual(JSON.parse(stdout), {
      isErrorTerminal: false,
      columns: 80,
      color: false,
      canAsk: false,
    });
  });

  it("sees the terminal that it has", async () => {
    const command = `stty cols 132; ${commandLine("streams", "look").map((word) => `'${word}'`).join(" ")}`;
    const env = { TERM: "xterm", SHELL: "/bin/sh", DENO_DIR: process.env.DENO_DIR ?? "" };
    const { stdout } = await startProcess("script", ["-qec", command, "/dev/null"], { env, stdin: "open" })
      .ended;
    assert.deepEqual(JSON.parse(stdout), { isErrorTerminal: true, columns: 132, color: true, canAsk: true });
  });
});
