import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { duration, timestamp } from "../../lib/cli/times.ts";

describe("times for people", () => {
  const rows: [number, string][] = [
    [-5, "0 seconds"],
    [0, "0 seconds"],
    [0.4, "0 seconds"],
    [1, "1 second"],
    [59.6, "1 minute"],
    [61, "1 minute 1 second"],
    [3600, "1 hour"],
    [3605, "1 hour"],
    [5400, "1 hour 30 minutes"],
    [86_400, "1 day"],
    [90_061, "1 day 1 hour"],
    [30 * 86_400, "30 days"],
  ];
  for (const [seconds, words] of rows) {
    it(`say ${seconds} s as ${words}`, () => assert.equal(duration(seconds), words));
  }

  it("are written as RFC 3339 in UTC, without parts of a second", () => {
    assert.equal(timestamp(0), "1970-01-01T00:00:00Z");
    assert.equal(timestamp(1_767_225_600.9), "2026-01-01T00:00:00Z");
  });

  it("end where RFC 3339 ends", () => {
    assert.equal(timestamp(1e15), "9999-12-31T23:59:59Z");
    assert.equal(timestamp(-1), "1970-01-01T00:00:00Z");
  });
});
