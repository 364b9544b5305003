import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { thresholds } from "../../lib/session/expiry.ts";

const DAY = 86400;

describe("the points at which a token is renewed", () => {
  for (
    const [life, soft, hard] of [
      [1, 0.8, 0.95],
      [30, 24, 28.5],
      [60, 48, 57],
      [299, 239.2, 289],
      [300, 240, 290],
      [301, 240.8, 291],
      [1500, 1200, 1490],
      [3599, 3299, 3589],
      [30 * DAY, 30 * DAY - 300, 30 * DAY - 10],
    ]
  ) {
    it(`are ${soft} s and ${hard} s for a token of ${life} s`, () => {
      const at = thresholds(1000, 1000 + life);
      assert.deepEqual([at.soft - 1000, at.hard - 1000].map((value) => +value.toFixed(9)), [soft, hard]);
    });
  }

  it("are at once for a token that is over when it comes", () => {
    assert.deepEqual(thresholds(1000, 1000), { soft: 1000, hard: 1000 });
    assert.deepEqual(thresholds(1000, 900), { soft: 900, hard: 900 });
  });

  it("are in order, within the life of the token, whatever that is and whatever chance says", () => {
    const life = fc.oneof(
      fc.integer({ min: 0, max: 3650 * DAY }),
      fc.double({ min: 0, max: 400, noNaN: true }),
    );
    fc.assert(fc.property(life, fc.double({ min: 0, max: 1, noNaN: true }), (life, random) => {
      const { soft, hard } = thresholds(0, life, random);
      assert.ok(0 <= soft && soft <= hard && hard <= life, `${soft} ${hard} ${life}`);
    }));
  });

  it("are spread by chance, a tenth of the way to the hard one at most", () => {
    assert.equal(thresholds(0, 3600, 0).soft, 3300);
    assert.equal(thresholds(0, 3600, 1).soft, 3329);
    assert.equal(thresholds(0, 3600, 1).hard, 3590);
  });
});
