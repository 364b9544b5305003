import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Outcome } from "../../scripts/run.ts";
import { root } from "../../scripts/toolchain.ts";
import { runInWorkerd } from "../../scripts/workerd.ts";

describe("test files in workerd", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "apex-token-workerd-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const run = (...files: string[]): Promise<Outcome> => runInWorkerd(files, folder);

  it("count each test, and show each failure by its name and its message", async () => {
    const { passed, failed, output = "" } = await run("tests/workerd/failing.ts", "tests/version_test.ts");
    assert.deepEqual([passed, failed], [4, 4], output);
    const failures = output.split("\n").filter((line) => line.startsWith("✖"));
    assert.deepEqual(failures, [
      "✖ tests/workerd/failing.ts: a suite > fails an assertion",
      "✖ tests/workerd/failing.ts: a suite > rejects",
      "✖ tests/workerd/failing.ts: a suite > leaves a rejection alone",
      "✖ tests/workerd/failing.ts: a broken suite > <before>",
    ]);
    for (const words of ["{a: 1}", "{a: 2}", "RangeError: out of range", "nobody cares", "cannot begin"]) {
      assert.ok(output.includes(words), output);
    }
  });

  it("fail when there is no test in one", async () => {
    const { passed, failed, output } = await run("tests/workerd/empty.ts", "tests/version_test.ts");
    assert.deepEqual([passed, failed], [1, 1]);
    assert.equal(output?.split("\n")[0], "No test in tests/workerd/empty.ts");
  });

  it("fail when one needs what is not there, say which, and run the others", async () => {
    const { passed, failed, output } = await run("tests/process_test.ts", "tests/version_test.ts");
    assert.deepEqual([passed, failed], [1, 1]);
    assert.match(output!, /^✖ tests\/process_test\.ts cannot run in workerd/);
    assert.match(output!, /tests\/process\.ts imports node:child_process, which is not in workerd/);
  });

  it("fail when one ends workerd, or does not load", async () => {
    const stuck = join(folder, "loads.ts");
    await writeFile(
      stuck,
      'import { it } from "node:test";\nit("a", () => {});\nthrow new Error("at the top");\n',
    );
    const { passed, failed, output } = await run(relative(root, stuck));
    assert.deepEqual([passed, failed], [1, 1]);
    assert.match(output!, /<load>\n +Error: at the top/);
  });
});
