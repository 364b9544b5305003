import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { startProgram } from "./programs.ts";

describe("an interrupt", () => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    it(`by ${signal} ends a wait with aborted, and the program in its own way`, async () => {
      const running = startProgram("wait");
      const [, id] = await running.waitFor("stdout", /^(\d+) waits\n/);
      process.kill(Number(id), signal);
      const { code, stdout } = await running.ended;
      assert.deepEqual([code, stdout], [130, `${id} waits\naborted: Interrupted (${signal})\n`]);
    });
  }

  it("that comes again ends a program that does not end", async () => {
    const running = startProgram("wait", ["linger"]);
    const [, id] = await running.waitFor("stdout", /^(\d+) waits\n/);
    process.kill(Number(id), "SIGINT");
    await running.waitFor("stdout", /aborted/);
    // Deno takes a moment to give the signal back to the system.
    const impatience = setInterval(() => {
      try {
        process.kill(Number(id), "SIGINT");
      } catch {
        // It has ended, and the news is on its way.
      }
    }, 100);
    const ended = running.ended.finally(() => clearInterval(impatience));
    assert.equal((await ended).code, 128 + 2, "it ended by the signal");
  });

  it("is no longer heard once it is disposed of, and does not keep the program alive", async () => {
    const { code, stdout } = await startProgram("wait", ["dispose"]).ended;
    assert.deepEqual([code, stdout], [0, "disposed\n"]);
  });
});
