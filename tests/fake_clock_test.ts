import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fakeClock } from "./fake_clock.ts";

describe("the fake clock", () => {
  it("stands still until it is moved, and moves both clocks", async () => {
    const clock = fakeClock(1000);
    assert.equal(clock.now(), 1000);
    const start = clock.monotonic();
    await clock.advance(250);
    assert.equal(clock.now(), 1250);
    assert.equal(clock.monotonic() - start, 250);
  });

  it("wakes every sleeper at its own moment, in order", async () => {
    const clock = fakeClock(0);
    const woken: string[] = [];
    for (const milliseconds of [300, 100, 200]) {
      clock.sleep(milliseconds).then(() => woken.push(`${milliseconds} at ${clock.now()}`));
    }
    assert.equal(clock.waiting(), 3);
    await clock.advance(250);
    assert.deepEqual(woken, ["100 at 100", "200 at 200"]);
    await clock.advance(49);
    assert.equal(clock.waiting(), 1);
    await clock.advance(1);
    assert.deepEqual(woken.at(-1), "300 at 300");
    assert.equal(clock.waiting(), 0);
  });

  it("lets a sleeper sleep again within one move", async () => {
    const clock = fakeClock(0);
    const ticks: number[] = [];
    (async () => {
      for (;;) {
        await clock.sleep(10);
        ticks.push(clock.now());
      }
    })();
    await clock.advance(35);
    assert.deepEqual(ticks, [10, 20, 30]);
    assert.equal(clock.now(), 35);
  });

  it("does not run on while something is signed, hashed or made", async () => {
    const clock = fakeClock();
    const at: number[] = [];
    (async () => {
      for (let round = 0; round < 3; round++) {
        const key = { name: "ECDSA", namedCurve: "P-384" };
        await crypto.subtle.generateKey(key, false, ["sign"]);
        await crypto.subtle.digest("SHA-256", new Uint8Array(100_000));
        at.push(clock.now());
        await clock.sleep(1000);
      }
    })();
    await clock.advance(10_000);
    const start = at[0];
    assert.deepEqual(at, [start, start + 1000, start + 2000]);
    assert.equal(clock.now(), start + 10_000);
  });

  it("gets on with what sleeps for less than its numbers can tell", async () => {
    const clock = fakeClock(0);
    await clock.advance(1e9);
    let naps = 0;
    const nap = async () => {
      while (clock.monotonic() < 1e9 + 1) {
        naps++;
        await clock.sleep(1e-9);
      }
    };
    const napping = nap();
    await clock.advance(2);
    await napping;
    assert.ok(naps > 1 && naps < 2000, `${naps}`);
  });

  it("ends a sleep with the signal's reason", async () => {
    const clock = fakeClock();
    const controller = new AbortController();
    const sleep = clock.sleep(1000, controller.signal);
    const reason = new Error("enough");
    controller.abort(reason);
    await assert.rejects(sleep, reason);
    assert.equal(clock.waiting(), 0);
    await assert.rejects(clock.sleep(1000, controller.signal), reason);
  });

  it("tells when somebody sleeps", async () => {
    const clock = fakeClock();
    setTimeout(() => clock.sleep(5), 1);
    await clock.untilWaiting();
    assert.equal(clock.waiting(), 1);
  });
});
