import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TokenError } from "../../lib/errors.ts";
import { type StoreDriver, storeDriver } from "../../lib/session/store_driver.ts";
import { memoryStore } from "../../lib/store/memory.ts";
import type { Store } from "../../lib/store/store.ts";
import { type FakeClock, fakeClock } from "../fake_clock.ts";
import { passing, unreachable } from "./shared_store.ts";

interface Place {
  readonly clock: FakeClock;
  readonly store: Store;
  /** Each time that a lease was asked for or renewed: for how long. */
  readonly asked: number[];
  /** With the number of leases that its run has lost before. */
  driver(losses?: number): StoreDriver;
  /** One whose process stands still whenever it is not called: it renews nothing. */
  sleeper(): StoreDriver;
}

function place(sessions?: Partial<Store>): Place {
  const clock = fakeClock();
  const store = memoryStore({ clock });
  const asked: number[] = [];
  const made = (options: { readonly losses?: number; readonly every?: () => () => void }) =>
    storeDriver({
      ...options,
      sessions: { ...store, ...sessions },
      clock,
      exchange: 15_000,
      lease: async (milliseconds) => {
        asked.push(milliseconds);
        const lease = await store.lease!("n", milliseconds);
        return lease && {
          ...lease,
          renew: (milliseconds) => {
            asked.push(milliseconds);
            return lease.renew(milliseconds);
          },
        };
      },
    });
  return {
    clock,
    store,
    asked,
    driver: (losses) => made({ losses }),
    sleeper: () => made({ every: () => () => {} }),
  };
}

const never = () => Promise.resolve(false);

describe("the lock of the store driver", () => {
  it("is had by one, tried once by who is in no need, and free when it was given back", async () => {
    const { driver } = place();
    const release = await driver().lock(never);
    assert.ok(release);
    assert.equal(await driver().lock(), undefined);
    await release();
    assert.ok(await driver().lock());
  });

  it("is left by who has got what it wanted it for", async () => {
    const { driver, clock } = place();
    await driver().lock();
    let looks = 0;
    assert.equal(await passing(clock, driver().lock(() => Promise.resolve(++looks === 3))), undefined);
    assert.equal(looks, 3);
  });

  it("is taken over within a second when the holder has died", async () => {
    const { driver, sleeper, clock } = place();
    await sleeper().lock();
    const began = clock.monotonic();
    assert.ok(await passing(clock, driver().lock(never)));
    const waited = clock.monotonic() - began;
    assert.ok(waited >= 750 && waited <= 1000, `${waited} ms`);
  });

  it("is kept by a holder that is alive, for as long as it works", async () => {
    const { driver, clock, asked } = place();
    const one = driver();
    const release = await one.lock();
    await clock.advance(20_000);
    assert.equal(await driver().lock(), undefined);
    await one.secure(false);
    assert.equal(asked.filter((milliseconds) => milliseconds === 750).length, asked.length);
    await release!();
    const renewals = asked.length;
    await clock.advance(2000);
    assert.equal(asked.length, renewals);
    assert.equal(clock.waiting(), 0);
    assert.ok(await driver().lock());
  });

  it("is longer where a run has lost it before", async () => {
    const { driver, asked } = place();
    for (const losses of [0, 1, 2, 3]) await (await driver(losses).lock())!();
    assert.deepEqual(asked, [750, 3000, 12_000, 12_000]);
  });

  it("is waited for no longer than a minute, and not by who gives up", async () => {
    const { driver, clock, store } = place();
    await store.lease!("n", 1_000_000);
    await assert.rejects(passing(clock, driver().lock(never), 500), { code: "timeout", retryable: true });
    const end = new AbortController();
    const waiting = assert.rejects(driver().lock(never, end.signal), { code: "aborted" });
    await clock.untilWaiting();
    end.abort();
    await waiting;
    await assert.rejects(driver().lock(never, AbortSignal.abort()), { code: "aborted" });
  });

  it("lasts for the whole exchange and the commit before a refresh token is sent, and is not asked for twice", async () => {
    const { driver, clock, asked } = place();
    const one = driver();
    await one.lock();
    await one.secure(false);
    await one.secure(true);
    await one.secure(true);
    assert.deepEqual(asked, [750, 45_000]);
    await clock.advance(19_000);
    await one.secure(true);
    assert.equal(asked.length, 2);
    // another presentation in the same run
    await clock.advance(2000);
    await one.secure(true);
    assert.deepEqual(asked, [750, 45_000, 45_000]);
    assert.equal(one.lost(), false);
  });

  it("is short again as soon as the answer is written down", async () => {
    const { driver, sleeper, clock, asked } = place();
    const one = sleeper();
    await one.lock();
    await one.received();
    await one.secure(true);
    await one.received();
    await one.received();
    assert.deepEqual(asked, [750, 45_000, 750]);
    const began = clock.monotonic();
    assert.ok(await passing(clock, driver().lock(never)));
    assert.ok(clock.monotonic() - began <= 1000);
  });

  it("is given up where a renewal was not answered: it may come late and make a longer one short", async () => {
    const clock = fakeClock();
    const store = memoryStore({ clock });
    let isDown = true;
    const one = storeDriver({
      sessions: store,
      clock,
      exchange: 15_000,
      lease: async (milliseconds) => {
        const lease = await store.lease!("n", milliseconds);
        return lease &&
          { ...lease, renew: (time) => isDown ? Promise.reject(unreachable()) : lease.renew(time) };
      },
    });
    const release = await one.lock();
    await clock.advance(250);
    isDown = false;
    await assert.rejects(one.secure(true), { code: "storage", retryable: true });
    assert.equal(one.lost(), true);
    await release!();
  });

  it("is longer where the store takes its time, and nobody has it where that was too long", async () => {
    for (const [takes, had] of [[200, true], [400, true], [900, false]] as const) {
      const clock = fakeClock();
      const store = memoryStore({ clock });
      const asked: number[] = [];
      const one = storeDriver({
        sessions: store,
        clock,
        exchange: 15_000,
        lease: async (milliseconds) => {
          asked.push(milliseconds);
          const lease = await store.lease!("n", milliseconds);
          await clock.sleep(takes);
          return lease && { ...lease, renew: (time) => (asked.push(time), lease.renew(time)) };
        },
      });
      const release = await passing(clock, one.lock());
      assert.equal(release !== undefined, had, `${takes} ms`);
      assert.ok(takes === 200 || asked[1] > takes * 5, `${asked}`);
      await release?.();
      // the next try knows
      assert.ok(await passing(clock, one.lock()), `${takes} ms`);
    }
  });

  it("is known to be lost after its end, whoever has it then", async () => {
    for (const takenOver of [false, true]) {
      const { driver, sleeper, clock } = place();
      const one = sleeper();
      await one.lock();
      await clock.advance(10_001);
      if (takenOver) assert.ok(await driver().lock());
      await assert.rejects(one.secure(takenOver), {
        code: "storage",
        retryable: true,
        message: /lost its turn/,
      });
      assert.equal(one.lost(), true);
    }
  });

  it("is renewed where the wall clock has jumped ahead, though little time has passed", async () => {
    const clock = fakeClock();
    let jumped = 0;
    const jumpy = { ...clock, now: () => clock.now() + jumped };
    const store = memoryStore({ clock });
    let renewed = 0;
    const one = storeDriver({
      sessions: store,
      clock: jumpy,
      exchange: 15_000,
      lease: async (milliseconds) => {
        const lease = await store.lease!("n", milliseconds);
        return lease && { ...lease, renew: (time) => (renewed++, lease.renew(time)) };
      },
    });
    await one.lock();
    await one.secure(true);
    jumped = 3_600_000;
    await one.secure(true);
    assert.equal(renewed, 2);
  });
});

describe("a commit by the store driver", () => {
  const value = new Uint8Array([1]);

  it("is tried again while the store is down and the lease lasts", async () => {
    let failures = 30;
    const { driver, clock, store } = place({
      compareAndSet: (...args) =>
        failures-- > 0 ? Promise.reject(unreachable()) : store.compareAndSet(...args),
    });
    const one = driver();
    await one.lock();
    await one.secure(true);
    assert.ok(await passing(clock, one.sessions.compareAndSet("n", undefined, value)));
  });

  it("is given up near the end of the lease, and at once where it cannot succeed", async () => {
    let calls = 0;
    let error = unreachable();
    const { driver, clock } = place({
      compareAndSet: () => {
        calls++;
        return Promise.reject(error);
      },
    });
    const one = driver();
    await one.lock();
    const began = clock.monotonic();
    await assert.rejects(passing(clock, one.sessions.compareAndSet("n", undefined, value)), error);
    const waited = clock.monotonic() - began;
    assert.ok(waited >= 5000 && waited < 6000, `${waited} ms`);
    calls = 0;
    error = new TokenError("storage", "Cannot write: the value is too large", { retryable: false });
    await assert.rejects(driver().sessions.compareAndSet("n", undefined, value), error);
    assert.equal(calls, 1);
  });
});
