import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TokenError, type TokenErrorOptions } from "../../lib/errors.ts";
import { withRetry } from "../../lib/http/retry.ts";
import { fakeClock } from "../fake_clock.ts";

/** An operation that fails so many times, with the moments at which it was tried. */
function failing(times: number, failure: unknown) {
  const clock = fakeClock();
  const tries: number[] = [];
  const operation = () => {
    tries.push(clock.monotonic());
    return tries.length <= times ? Promise.reject(failure) : Promise.resolve("done");
  };
  return { clock, tries, operation };
}

function broken(options?: TokenErrorOptions): TokenError {
  return new TokenError("network", "Cannot reach it", options);
}

describe("withRetry", () => {
  it("gives the result of the first try without waiting", async () => {
    const { clock, tries, operation } = failing(0, undefined);
    assert.equal(await withRetry(clock, operation), "done");
    assert.equal(tries.length, 1);
    assert.equal(clock.waiting(), 0);
  });

  it("tries twice more, and throws the last error", async () => {
    const { clock, tries, operation } = failing(99, broken());
    const result = assert.rejects(withRetry(clock, operation), { code: "network" });
    await clock.advance(60_000);
    await result;
    assert.equal(tries.length, 3);
    assert.equal(clock.waiting(), 0);
  });

  it("waits longer from try to try", async () => {
    for (const [random, waits] of [[0, [200, 200]], [0.999999, [1000, 2000]]] as const) {
      const { clock, tries, operation } = failing(2, broken());
      const result = withRetry(clock, operation, { random: () => random });
      await clock.advance(60_000);
      assert.equal(await result, "done");
      assert.deepEqual(tries.slice(1).map((at, index) => Math.round(at - tries[index])), waits);
    }
  });

  it("spreads the waits of many clients", async () => {
    const waits = new Set<number>();
    for (let client = 0; client < 20; client++) {
      const { clock, tries, operation } = failing(1, broken());
      const result = withRetry(clock, operation);
      await clock.advance(1000);
      await result;
      assert.ok(tries[1] >= 200 && tries[1] <= 1000);
      waits.add(tries[1]);
    }
    assert.ok(waits.size > 10);
  });

  it("does not come back before the server wants it", async () => {
    const { clock, tries, operation } = failing(1, broken({ retryAfter: 10 }));
    const result = withRetry(clock, operation, { random: () => 0 });
    await clock.advance(9999);
    assert.equal(tries.length, 1);
    await clock.advance(1001);
    assert.equal(await result, "done");
    assert.ok(tries[1] >= 10_000);
  });

  it("gives up at once when the server wants more than 10 s", async () => {
    const failure = broken({ retryAfter: 11 });
    const { clock, tries, operation } = failing(99, failure);
    await assert.rejects(withRetry(clock, operation), (error) => error === failure);
    assert.equal(tries.length, 1);
  });

  it("does not repeat what cannot pass, nor an error of somebody else", async () => {
    for (
      const failure of [
        new TokenError("server_refused", "No"),
        broken({ retryable: false }),
        new TypeError("x"),
        1,
      ]
    ) {
      const { clock, tries, operation } = failing(99, failure);
      await assert.rejects(withRetry(clock, operation), (error) => error === failure);
      assert.equal(tries.length, 1);
    }
  });

  it("stops waiting when the signal says so, with an error of our own", async () => {
    const { clock, tries, operation } = failing(99, broken());
    const controller = new AbortController();
    const result = assert.rejects(withRetry(clock, operation, { signal: controller.signal }), {
      name: "TokenError",
      code: "aborted",
    });
    await clock.untilWaiting();
    controller.abort(new Error("secret of the caller"));
    await result;
    assert.equal(tries.length, 1);
    assert.equal(clock.waiting(), 0);
  });
});
