import assert from "node:assert/strict";
import { it } from "node:test";
import type { FencedStore } from "../../lib/store/connection.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** Tests of what every store past one machine does whose versions and leases come from one count. */
export function fencedStoreConformance(
  newStore: () => Promise<FencedStore>,
  passTime: (milliseconds: number) => Promise<void>,
): void {
  it("gives versions and leases that only grow, also after a removal", async () => {
    const store = await newStore();
    const given: (string | undefined)[] = [];
    for (let life = 0; life < 3; life++) {
      const lease = await store.lease("key", 60_000);
      given.push(lease?.fence);
      given.push(await store.compareAndSet("key", undefined, bytes("one")));
      await store.remove("key");
      await lease?.release();
    }
    assert.deepEqual(given, [...given].sort());
    assert.equal(new Set(given).size, 6);
  });

  it("refuses the late write of somebody whose lease ended", async () => {
    const store = await newStore();
    const version = await store.compareAndSet("key", undefined, bytes("old"));
    const late = await store.lease("key", 60_000);
    await passTime(60_000);
    const next = await store.lease("key", 60_000);
    assert.ok(late && next && late.fence < next.fence);
    assert.ok(await store.compareAndSet("key", version, bytes("by the next")));
    assert.equal(await store.compareAndSet("key", version, bytes("too late")), undefined);
  });
}
