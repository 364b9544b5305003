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

  it("keeps a line together that comes in pieces, whatever the other stream says meanwhile", async () => {
    const source = `
      const { writeSync } = require("node:fs");
      const pieces = [[1, "on"], [2, "other\\n"], [1, "e\\ntw"], [2, "last"], [1, "o\\n"]];
      const write = () => {
        const [stream, text] = pieces.shift();
        writeSync(stream, text);
        if (pieces.length) setTimeout(write, 50);
      };
      write();`;
    const { output, code } = await runScript(source);
    assert.equal(code, 0);
    assert.deepEqual(output.split("\n").sort(), ["last", "one", "other", "two"]);
    assert.match(output, /last$/);
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
