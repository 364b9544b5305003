import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { systemClock } from "../lib/clock.ts";
import { endsAtOnce } from "./oauth/support.ts";

/** Replaces the runtime's timers while `work` runs: each ends at once, and how long it was meant to take is told. */
async function withInstantTimers(work: () => Promise<void>): Promise<number[]> {
  const original = globalThis.setTimeout;
  const asked: number[] = [];
  globalThis.setTimeout = ((callback: () => void, milliseconds: number) => {
    asked.push(milliseconds);
    return original(callback, 0);
  }) as typeof setTimeout;
  try {
    await work();
  } finally {
    globalThis.setTimeout = original;
  }
  return asked;
}

/** A signal that counts who listens to it. */
function countingSignal() {
  const abort = new AbortController();
  let listeners = 0;
  const { signal } = abort;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = ((...given: Parameters<typeof add>) => {
    listeners++;
    add(...given);
  }) as typeof add;
  signal.removeEventListener = ((...given: Parameters<typeof remove>) => {
    listeners--;
    remove(...given);
  }) as typeof remove;
  return { abort, signal, listeners: () => listeners };
}

describe("the clock of the machine", () => {
  it("tells the time of day in milliseconds", () => {
    const before = Date.now();
    const now = systemClock.now();
    assert.ok(before <= now && now <= Date.now());
  });

  it("has a time that does not go back", () => {
    const times = Array.from({ length: 1000 }, () => systemClock.monotonic());
    assert.ok(times.every((time, index) => index === 0 || time >= times[index - 1]));
  });

  it("sleeps for as long as it is told", async () => {
    const start = performance.now();
    await systemClock.sleep(30);
    assert.ok(performance.now() - start >= 28);
  });

  for (const milliseconds of [0, -5]) {
    it(`sleeps for ${milliseconds} ms without an end of its own`, async () => {
      await systemClock.sleep(milliseconds);
    });
  }

  it("sleeps longer than a timer can", async () => {
    const month = 30 * 86_400_000;
    const asked = await withInstantTimers(() => systemClock.sleep(month));
    assert.equal(asked.reduce((sum, one) => sum + one), month);
    assert.ok(asked.every((one) => one <= 2 ** 31 - 1));
  });

  it("wakes at once on an abort, with its reason", async () => {
    const abort = new AbortController();
    const sleeping = systemClock.sleep(60_000, abort.signal);
    const reason = new Error("enough");
    abort.abort(reason);
    assert.ok(await endsAtOnce(sleeping));
    await assert.rejects(sleeping, reason);
  });

  it("does not fall asleep for a signal that has aborted", async () => {
    const reason = new Error("too late");
    await assert.rejects(systemClock.sleep(60_000, AbortSignal.abort(reason)), reason);
  });

  it("leaves no listener behind", async () => {
    const { signal, listeners } = countingSignal();
    await systemClock.sleep(1, signal);
    assert.equal(listeners(), 0);
  });

  it("leaves no timer behind after an abort", async () => {
    const original = globalThis.clearTimeout;
    let cleared = 0;
    globalThis.clearTimeout = ((timer: number) => {
      cleared++;
      original(timer);
    }) as typeof clearTimeout;
    try {
      const abort = new AbortController();
      const sleeping = systemClock.sleep(60_000, abort.signal);
      abort.abort();
      await assert.rejects(sleeping);
    } finally {
      globalThis.clearTimeout = original;
    }
    assert.equal(cleared, 1);
  });
});
