import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isExplained, reportOf } from "./report.ts";
import type { Tally } from "./scene.ts";
import { torture } from "./torture.ts";

describe("the torture", () => {
  it("kills processes of every kind for ten seconds, and no sign-in is lost without a reason", async () => {
    // it would find nothing either if nothing happened: on a busy machine that takes longer
    const refreshed = ({ parts }: Tally) => [...parts.values()].some((part) => part.refreshes > 0);
    const enough = (tally: Tally) => refreshed(tally) && tally.kills.size > 2;
    const tally = await torture({ seconds: 10, seed: 1, enough });
    const report = reportOf(tally).join("\n");
    assert.deepEqual(tally.revokedByUs, [], report);
    assert.ok(isExplained(tally, 0), report);
    for (const [{ runtime, what }, part] of tally.parts) {
      assert.ok(
        part.processes > 0 && (what === "program" || part.tokens > 0),
        `${what} on ${runtime}\n${report}`,
      );
    }
    assert.ok(enough(tally), report);
  });

  it("finds out a lock that locks nobody out", async () => {
    const tally = await torture({ seconds: 600, seed: 1, lockless: true });
    assert.notDeepEqual(tally.revokedByUs, [], reportOf(tally).join("\n"));
    assert.equal(isExplained(tally, 0), false);
  });
});
