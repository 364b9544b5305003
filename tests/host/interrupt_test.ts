import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startProgram } from "./programs.ts";

describe("an interrupt", () => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    it(`by ${signal} ends a wait with aborted, and the program in its own way`, async () => {
      const running = startProgram("wait");
      await running.waitFor("stdout", /waiting\n/);
      running.kill(signal);
      const { code, stdout } = await running.ended;
      assert.deepEqual([code, stdout], [130, `waiting\naborted: Interrupted (${signal})\n`]);
    });
  }

  it("that comes twice ends the program at once", async () => {
    const running = startProgram("wait", ["linger"]);
    await running.waitFor("stdout", /waiting\n/);
    running.kill("SIGINT");
    await running.waitFor("stdout", /aborted/);
    running.kill("SIGINT");
    // 130 by the shell's count of a signal's end, or what the runtime makes of it; never the program's own end.
    assert.ok([128, 130].includes((await running.ended).code));
  });

  it("is no longer heard once it is disposed of, and does not keep the program alive", async () => {
    const { code, stdout } = await startProgram("wait", ["dispose"]).ended;
    assert.deepEqual([code, stdout], [0, "disposed\n"]);
  });
});
