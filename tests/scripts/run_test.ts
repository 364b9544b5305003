import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { outcomeOf, run } from "../../scripts/run.ts";
import { node, root } from "../../scripts/toolchain.ts";

function runScript(source: string, timeout = 600_000) {
  return run(node(), ["-e", source], { cwd: root, env: { ONLY: "this" }, timeout });
}

describe("running a step of the tests", () => {
  it("keeps both streams and the exit code, and gives the environment that it was told", async () => {
    const result = await runScript("console.log(process.env.ONLY, process.env.PATH); process.exitCode = 3");
    assert.deepEqual(result, { code: 3, output: "this undefined\n", timedOut: false });
    assert.deepEqual(outcomeOf(result), { passed: 0, failed: 1, output: "this undefined" });
  });

  it("ends what hangs at its time limit", async () => {
    const result = await runScript("setInterval(() => {}, 1000)", 300);
    assert.equal(result.timedOut, true);
    assert.match(outcomeOf(result).output ?? "", /still running at its time limit/);
  });

  it("counts a program that cannot be started as a failure", async () => {
    const result = await run("/nowhere/program", [], { cwd: root, env: {}, timeout: 60_000 });
    assert.equal(result.code, -1);
    assert.match(outcomeOf(result).output ?? "", /Cannot run \/nowhere\/program/);
  });
});
