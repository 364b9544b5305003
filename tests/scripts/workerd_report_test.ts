import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RunResult } from "../../scripts/run.ts";
import { countTold } from "../../scripts/workerd_report.ts";
import { marker, type Told } from "../workerd/told.ts";

const file = "tests/a_test.ts";

function printed(lines: readonly (string | Told)[], more: Partial<RunResult> = {}): RunResult {
  const output = lines.map((line) => typeof line === "string" ? line : marker + JSON.stringify(line));
  return { code: 0, timedOut: false, output: output.join("\n"), ...more };
}

const whole: Told[] = [
  { file, starts: ["<load>"] },
  { file, starts: ["suite", "one"] },
  { file, ended: ["suite", "one"] },
  { file, done: true },
];

describe("what test files in workerd told", () => {
  it("is counted, whatever else is printed in between", () => {
    const result = printed(["workerd says", whole[0], "  a test says", ...whole.slice(1), ""]);
    assert.deepEqual(countTold([file], result), { passed: 1, failed: 0 });
  });

  it("fails with the name and the message of a test, then with what workerd said itself", () => {
    const result = printed([
      "workerd/server/server/run.rs:642: debug: [ TEST ] core:file0",
      "something odd",
      ...whole.slice(0, 3),
      { file, ended: ["two"], failure: "Error: words\nmore" },
      whole[3],
    ]);
    assert.deepEqual(countTold([file], result), {
      passed: 1,
      failed: 1,
      output: "✖ tests/a_test.ts: two\n    Error: words\n    more\nsomething odd",
    });
  });

  it("fails for a file that did not run to its end, and says what ran last", () => {
    const { passed, failed, output } = countTold(
      [file],
      printed(whole.slice(0, 2), { code: -1, timedOut: true }),
    );
    assert.deepEqual([passed, failed], [0, 2]);
    assert.match(output!, /a_test\.ts did not run to its end; last seen: suite > one\n.*time limit/);
  });

  it("fails for a file that was never begun, and for one without a test", () => {
    const result = printed([...whole, { file: "empty", starts: ["<load>"] }, { file: "empty", done: true }]);
    const { passed, failed, output } = countTold([file, "empty", "missing"], result);
    assert.deepEqual([passed, failed], [1, 2]);
    assert.equal(output, "No test in empty\nmissing did not run to its end");
  });

  it("fails when workerd fails though every test passed", () => {
    const { failed, output } = countTold([file], printed(["Segmentation fault", ...whole], { code: 139 }));
    assert.equal(failed, 1);
    assert.equal(output, "workerd ended with exit code 139\nSegmentation fault");
  });

  it("fails when workerd shows the value of a header", () => {
    const shown = 'A header value for "authorization" contains non-ASCII characters: "Bearer …"';
    assert.deepEqual(countTold([file], printed([shown, ...whole])).failed, 1);
  });
});
