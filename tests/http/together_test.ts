import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers";
import { type Shared, together } from "../../lib/http/together.ts";
import { fakeClock } from "../fake_clock.ts";

/** Work that a test ends, and those who ask for it. */
function place() {
  const clock = fakeClock();
  const underWay = new Map<string, Shared<string>>();
  const begun: { resolve(value: string): void; reject(error: Error): void }[] = [];
  const ask = (key = "key") =>
    together(underWay, key, clock, () => {
      return new Promise((resolve, reject) => begun.push({ resolve, reject }));
    });
  return { clock, underWay, begun, ask };
}

describe("one request for all", () => {
  it("is made once by those who ask at the same moment, and anew by those who come later", async () => {
    const { begun, ask, underWay } = place();
    const all = [ask(), ask(), ask(), ask("other")];
    assert.equal(begun.length, 2);
    begun[0].resolve("a");
    begun[1].resolve("b");
    assert.deepEqual(await Promise.all(all), ["a", "a", "a", "b"]);
    assert.equal(underWay.size, 0);
    ask();
    assert.equal(begun.length, 3);
  });

  it("fails for all", async () => {
    const { begun, ask } = place();
    const all = Promise.allSettled([ask(), ask()]);
    begun[0].reject(new Error("no"));
    assert.deepEqual((await all).map(({ status }) => status), ["rejected", "rejected"]);
    assert.equal(begun.length, 1);
  });

  it("is waited for as long as it takes by the one who makes it", async () => {
    const { clock, begun, ask } = place();
    const alone = ask();
    await clock.advance(60_000);
    assert.equal(begun.length, 1);
    begun[0].resolve("a");
    assert.equal(await alone, "a");
  });

  it("is made once more for all who have waited for five seconds, and for who comes then", async () => {
    const { clock, underWay, begun, ask } = place();
    ask();
    const waiting = [ask(), ask(), ask()];
    await clock.advance(4_999);
    assert.equal(begun.length, 1);
    await clock.advance(1);
    assert.equal(begun.length, 2);
    waiting.push(ask());
    begun[1].resolve("b");
    assert.deepEqual(await Promise.all(waiting), ["b", "b", "b", "b"]);
    assert.equal(underWay.size, 0);
    assert.equal(clock.waiting(), 0);
  });

  it("is made anew at once for all who are told that it never ends", async () => {
    const { underWay, begun, ask } = place();
    const dead = Promise.reject(new Error("it can never settle"));
    dead.catch(() => {});
    underWay.set("key", { ended: false, promise: dead });
    const waiting = [ask(), ask(), ask()];
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(begun.length, 1);
    begun[0].resolve("a");
    assert.deepEqual(await Promise.all(waiting), ["a", "a", "a"]);
    assert.equal(underWay.size, 0);
  });

  it("still serves all when it comes late, but before the second", async () => {
    const { clock, begun, ask } = place();
    const all = [ask(), ask(), ask()];
    await clock.advance(5_000);
    begun[0].resolve("a");
    assert.deepEqual(await Promise.all(all), ["a", "a", "a"]);
  });
});
