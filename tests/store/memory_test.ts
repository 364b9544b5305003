import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Clock } from "../../lib/clock.ts";
import { memoryStore } from "../../lib/store/memory.ts";
import { storeConformance } from "./conformance.ts";

let now = 1_700_000_000_000;
const clock: Clock = { now: () => now, monotonic: () => now, sleep: () => Promise.resolve() };

storeConformance("memory", () => memoryStore({ clock }), {
  passTime: (milliseconds) => {
    now += milliseconds;
  },
});

describe("a store in memory", () => {
  it("says that nothing survives the process", () => {
    assert.deepEqual(memoryStore().capabilities, {
      compareAndSet: true,
      lease: true,
      durable: false,
      strongRead: true,
    });
  });

  it("shares nothing with another one", async () => {
    await memoryStore().compareAndSet("key", undefined, new Uint8Array(1));
    assert.equal(await memoryStore().read("key"), undefined);
  });

  it("says when a lease ends", async () => {
    assert.equal((await memoryStore({ clock }).lease!("key", 1500))?.expiresAt, now + 1500);
  });

  it("leases by the clock of the machine where no other is given", async () => {
    const before = Date.now();
    const lease = await memoryStore().lease!("key", 60_000);
    assert.ok(lease && lease.expiresAt >= before + 60_000 && lease.expiresAt <= Date.now() + 60_000);
  });

  it("refuses a lease that would be over at once", async () => {
    for (const milliseconds of [0, -1, NaN]) {
      await assert.rejects(memoryStore().lease!("key", milliseconds), {
        name: "TokenError",
        code: "invalid_argument",
      });
    }
  });
});
