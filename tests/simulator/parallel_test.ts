import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { simulateInParallel } from "./parallel.ts";
import { simulateAll } from "./sum.ts";

describe("the simulator on all cores", () => {
  it("comes to the same as on one", async () => {
    assert.deepEqual(
      await simulateInParallel({ from: 5, count: 600 }, 3),
      await simulateAll({ from: 5, count: 600 }),
    );
  });
});
