import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { retryAfterSeconds } from "../../lib/http/retry_after.ts";

const now = Date.UTC(2026, 10, 21, 12, 0, 0);

function read(value: string): number | undefined {
  return retryAfterSeconds(new Headers({ "retry-after": value }), now);
}

describe("retryAfterSeconds", () => {
  it("reads seconds", () => {
    assert.equal(read("0"), 0);
    assert.equal(read("120"), 120);
    assert.equal(read(" 7 "), 7);
  });

  it("reads a date, against the clock given", () => {
    assert.equal(read("Sat, 21 Nov 2026 12:00:30 GMT"), 30);
    assert.equal(read("Sat, 21 Nov 2026 12:00:00 GMT"), 0);
    const between = retryAfterSeconds(
      new Headers({ "retry-after": "Sat, 21 Nov 2026 12:00:30 GMT" }),
      now + 1,
    );
    assert.equal(between, 30);
  });

  it("caps both at ten minutes", () => {
    assert.equal(read("601"), 600);
    assert.equal(read("1000000000"), 600);
    assert.equal(read("9".repeat(400)), 600);
    assert.equal(read("Sun, 21 Nov 2027 12:00:00 GMT"), 600);
  });

  it("ignores what makes no sense", () => {
    for (
      const value of [
        "",
        "-5",
        "1.5",
        "+3",
        "1e3",
        "0x10",
        "5 seconds",
        "3, 4",
        "soon",
        "soon 2099",
        "Infinity",
        "Sat, 21 Nov 2026 11:59:00 GMT",
        "Sat, 99 Nov 2026 12:00:30 GMT",
        "Sat, 21 Foo 2026 12:00:30 GMT",
        "Sat, 21 Nov 2026 12:00:30 CET",
        "2026-11-21T12:00:30Z",
      ]
    ) {
      assert.equal(read(value), undefined, value);
    }
    assert.equal(retryAfterSeconds(new Headers(), now), undefined);
  });
});
