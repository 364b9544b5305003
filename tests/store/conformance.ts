/**
 * What every store must do, whatever it keeps its bytes in.
 *
 * @module
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Store } from "../../lib/store/store.ts";

/** What {@linkcode storeConformance} cannot know by itself. */
export interface ConformanceOptions {
  /** Makes leases of the stores of this suite grow old; a store that can lease must give it. */
  passTime?: (milliseconds: number) => Promise<void> | void;
}

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value);

/**
 * Registers the tests.
 *
 * @param name of the suite
 * @param makeStore makes an empty store; called once for each test
 */
export function storeConformance(
  name: string,
  makeStore: () => Store | Promise<Store>,
  options: ConformanceOptions = {},
): void {
  const withStore = (test: (store: Store) => Promise<void>) => async () => await test(await makeStore());

  describe(`${name} as a store`, () => {
    it(
      "can lease exactly if it says so",
      withStore((store) => {
        assert.equal(store.capabilities.lease, store.lease !== undefined);
        assert.equal(store.capabilities.lease, options.passTime !== undefined, "leases must be tested");
        return Promise.resolve();
      }),
    );
    readingAndWriting(withStore);
    competition(withStore);
    removal(withStore);
    it("does what a map with versions does", () => likeAMap(makeStore));
    if (options.passTime) leases(withStore, options.passTime);
  });
}

type WithStore = (test: (store: Store) => Promise<void>) => () => Promise<void>;

function readingAndWriting(withStore: WithStore): void {
  it(
    "knows nothing of a key that was never written",
    withStore(async (store) => {
      assert.equal(await store.read("nobody"), undefined);
    }),
  );

  it(
    "gives back the bytes and the version of the last write",
    withStore(async (store) => {
      const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
      const first = await store.compareAndSet("key", undefined, all);
      assert.equal(typeof first, "string");
      assert.deepEqual(await store.read("key"), { version: first, value: all });
      const second = await store.compareAndSet("key", first, bytes("two"));
      assert.notEqual(second, first);
      assert.deepEqual(await store.read("key"), { version: second, value: bytes("two") });
    }),
  );

  it(
    "keeps no bytes at all and many bytes alike",
    withStore(async (store) => {
      const large = Uint8Array.from({ length: 1_000_003 }, (_, at) => (at * 31) >> 3);
      const empty = await store.compareAndSet("key", undefined, new Uint8Array());
      assert.deepEqual(await store.read("key"), { version: empty, value: new Uint8Array() });
      await store.compareAndSet("key", empty, large);
      assert.deepEqual((await store.read("key"))?.value, large);
    }),
  );

  it(
    "keeps its own copy of the bytes",
    withStore(async (store) => {
      const value = bytes("kept");
      await store.compareAndSet("key", undefined, value);
      value.fill(0);
      const read = await store.read("key");
      assert.equal(text(read?.value), "kept");
      read?.value.fill(0);
      assert.equal(text((await store.read("key"))?.value), "kept");
    }),
  );

  it(
    "writes a part of a larger buffer as it is",
    withStore(async (store) => {
      await store.compareAndSet("key", undefined, bytes("<part>").subarray(1, 5));
      assert.equal(text((await store.read("key"))?.value), "part");
    }),
  );

  it(
    "keeps keys apart, however odd they are",
    withStore(async (store) => {
      const keys = [
        "a",
        "a/b",
        "a%2Fb",
        ".",
        "..",
        "../a",
        "%2E",
        "a b",
        "ä",
        "日本",
        "a:b",
        "-rf",
        "x".repeat(80),
      ];
      for (const key of keys) {
        assert.ok(await store.compareAndSet(key, undefined, bytes(`value of ${key}`)), key);
      }
      for (const key of keys) assert.equal(text((await store.read(key))?.value), `value of ${key}`);
      assert.equal(await store.remove("a"), true);
      for (const key of keys.slice(1)) assert.equal(text((await store.read(key))?.value), `value of ${key}`);
    }),
  );
}

function competition(withStore: WithStore): void {
  it(
    "refuses a write by somebody who has not seen the newest version",
    withStore(async (store) => {
      const first = await store.compareAndSet("key", undefined, bytes("one"));
      assert.equal(await store.compareAndSet("key", undefined, bytes("created again")), undefined);
      const second = await store.compareAndSet("key", first, bytes("two"));
      assert.equal(await store.compareAndSet("key", first, bytes("late")), undefined);
      assert.equal(await store.compareAndSet("key", undefined, bytes("created again")), undefined);
      assert.deepEqual(await store.read("key"), { version: second, value: bytes("two") });
    }),
  );

  it(
    "refuses a write from a version that it never gave",
    withStore(async (store) => {
      assert.equal(await store.compareAndSet("key", "1", bytes("from nowhere")), undefined);
      const first = await store.compareAndSet("key", undefined, bytes("one"));
      for (const version of ["", "0", "2", "999", "-1", "01", `${first} `, "a version"]) {
        assert.equal(await store.compareAndSet("key", version, bytes("from nowhere")), undefined, version);
      }
      assert.deepEqual(await store.read("key"), { version: first, value: bytes("one") });
    }),
  );

  it(
    "lets one of many win who write from the same version",
    withStore(async (store) => {
      for (const before of [undefined, await store.compareAndSet("old", undefined, bytes("old"))]) {
        const key = before === undefined ? "new" : "old";
        const versions = await Promise.all(
          Array.from({ length: 12 }, (_, writer) => store.compareAndSet(key, before, bytes(String(writer)))),
        );
        const winners = versions.flatMap((version, writer) => version === undefined ? [] : [writer]);
        assert.equal(winners.length, 1, key);
        const [winner] = winners;
        assert.deepEqual(await store.read(key), { version: versions[winner], value: bytes(String(winner)) });
      }
    }),
  );

  it(
    "loses no step of a count that several take",
    withStore(async (store) => {
      const step = async () => {
        for (;;) {
          const before = await store.read("count");
          const next = Number(text(before?.value) ?? 0) + 1;
          if (await store.compareAndSet("count", before?.version, bytes(String(next)))) return;
        }
      };
      const walk = async () => {
        for (let taken = 0; taken < 10; taken++) await step();
      };
      await Promise.all([walk(), walk(), walk(), walk()]);
      assert.equal(text((await store.read("count"))?.value), "40");
    }),
  );
}

function removal(withStore: WithStore): void {
  it(
    "forgets a key, and says whether there was something to forget",
    withStore(async (store) => {
      assert.equal(await store.remove("key"), false);
      await store.compareAndSet("key", undefined, bytes("one"));
      assert.equal(await store.remove("key"), true);
      assert.equal(await store.read("key"), undefined);
      assert.equal(await store.remove("key"), false);
      const version = await store.compareAndSet("key", undefined, bytes("again"));
      assert.deepEqual(await store.read("key"), { version, value: bytes("again") });
    }),
  );

  it(
    "forgets only the version that was meant",
    withStore(async (store) => {
      const first = await store.compareAndSet("key", undefined, bytes("one"));
      const second = await store.compareAndSet("key", first, bytes("two"));
      assert.equal(await store.remove("key", first), false);
      assert.equal(text((await store.read("key"))?.value), "two");
      assert.equal(await store.remove("key", second), true);
      assert.equal(await store.read("key"), undefined);
      assert.equal(await store.remove("key", second), false);
    }),
  );

  it(
    "never gives a version twice, so that nobody mistakes a new value for the one that was removed",
    withStore(async (store) => {
      const given = new Set<string | undefined>();
      for (let life = 0; life < 3; life++) {
        const first = await store.compareAndSet("key", undefined, bytes("one"));
        const second = await store.compareAndSet("key", first, bytes("two"));
        given.add(first).add(second);
        await store.remove("key");
        assert.equal(await store.compareAndSet("key", second, bytes("from a former life")), undefined);
      }
      assert.equal(given.size, 6);
      const now = await store.compareAndSet("key", undefined, bytes("alive"));
      for (const former of given) {
        assert.equal(await store.compareAndSet("key", former, bytes("from a former life")), undefined);
        assert.equal(await store.remove("key", former), false);
      }
      assert.deepEqual(await store.read("key"), { version: now, value: bytes("alive") });
    }),
  );
}

/** Random steps, on the store and on the simplest thing that behaves like one. */
async function likeAMap(makeStore: () => Store | Promise<Store>): Promise<void> {
  const step = fc.record({
    key: fc.constantFrom("a", "b"),
    what: fc.constantFrom("write", "create", "write late", "remove", "remove late", "read"),
    value: fc.uint8Array({ maxLength: 40 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const store = await makeStore();
      const model = new Map<string, { version: string; value: Uint8Array }>();
      const former = new Map<string, string>();
      for (const { key, what, value } of steps) {
        const now = model.get(key);
        const late = former.get(key) ?? "never given";
        if (what === "read") {
          assert.deepEqual(await store.read(key), now);
        } else if (what.startsWith("remove")) {
          const expected = what === "remove" ? now?.version : late;
          assert.equal(await store.remove(key, expected), now !== undefined && expected === now.version);
          if (expected === now?.version) model.delete(key);
        } else {
          const expected = what === "write" ? now?.version : what === "create" ? undefined : late;
          const version = await store.compareAndSet(key, expected, value);
          assert.equal(version !== undefined, expected === now?.version);
          if (version !== undefined) model.set(key, { version, value });
        }
        if (now && model.get(key) !== now) former.set(key, now.version);
      }
      for (const key of ["a", "b"]) assert.deepEqual(await store.read(key), model.get(key));
    }),
    { numRuns: 40 },
  );
}

function leases(withStore: WithStore, passTime: (milliseconds: number) => Promise<void> | void): void {
  it(
    "leases to one at a time, for each key",
    withStore(async (store) => {
      const lease = await store.lease!("key", 1000);
      assert.ok(lease);
      assert.equal(await store.lease!("key", 1000), undefined);
      assert.ok(await store.lease!("another key", 1000));
      await lease.release();
      assert.ok(await store.lease!("key", 1000));
    }),
  );

  it(
    "takes a lease back when its time is over",
    withStore(async (store) => {
      assert.ok(await store.lease!("key", 1000));
      await passTime(900);
      assert.equal(await store.lease!("key", 1000), undefined);
      await passTime(200);
      assert.ok(await store.lease!("key", 1000));
    }),
  );

  it(
    "does not let the holder of an ended lease give back the next one's",
    withStore(async (store) => {
      const ended = await store.lease!("key", 100);
      await passTime(200);
      const next = await store.lease!("key", 1000);
      await ended?.release();
      await ended?.release();
      assert.equal(await store.lease!("key", 1000), undefined);
      await next?.release();
      await next?.release();
      assert.ok(await store.lease!("key", 1000));
    }),
  );

  it(
    "renews a lease from now on, for its holder alone and not after its end",
    withStore(async (store) => {
      const lease = await store.lease!("key", 1000);
      await passTime(900);
      assert.ok(await lease!.renew(1000) !== undefined);
      await passTime(900);
      assert.equal(await store.lease!("key", 1000), undefined);
      assert.ok(await lease!.renew(500) !== undefined);
      await passTime(600);
      assert.equal(await lease!.renew(1000), undefined);
      const next = await store.lease!("key", 1000);
      assert.ok(next);
      assert.equal(await lease!.renew(100_000), undefined);
      await lease!.release();
      assert.equal(await store.lease!("key", 1000), undefined);
      assert.ok(await next.renew(1000) !== undefined);
      await next.release();
      assert.equal(await next.renew(1000), undefined);
      assert.ok(await store.lease!("key", 1000));
    }),
  );

  it(
    "writes and reads without asking for a lease",
    withStore(async (store) => {
      await store.lease!("key", 1000);
      const version = await store.compareAndSet("key", undefined, bytes("one"));
      assert.deepEqual(await store.read("key"), { version, value: bytes("one") });
      assert.equal(await store.remove("key"), true);
    }),
  );
}
