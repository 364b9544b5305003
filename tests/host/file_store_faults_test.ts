import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import * as system from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { inspect } from "node:util";
import { fileStore } from "../../lib/host/file_store.ts";
import type { Store, StoredValue } from "../../lib/store/store.ts";
import { type FileCall, systemError, watchedFiles } from "./watched_files.ts";

const base = mkdtempSync(join(tmpdir(), "apex-token-faults-"));
let count = 0;
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (stored: StoredValue | undefined) => stored && new TextDecoder().decode(stored.value);

/** Who writes, from which state, and what a reader may find when that went wrong. */
interface Scene {
  readonly name: string;
  /** How often `apex` was written before; the last value is that number. */
  readonly times: number;
  readonly act: (store: Store) => Promise<unknown>;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

const scenes: Scene[] = [
  {
    name: "the first write",
    times: 0,
    act: (store) => store.compareAndSet("apex", undefined, bytes("new")),
    before: undefined,
    after: "new",
  },
  {
    name: "a later write",
    times: 3,
    act: (store) => store.compareAndSet("apex", "3", bytes("new")),
    before: "3",
    after: "new",
  },
  {
    name: "a write that was made ready",
    times: 3,
    act: async (store) => {
      await store.prepare!("apex", "3").catch(() => {});
      return await store.compareAndSet("apex", "3", bytes("new"));
    },
    before: "3",
    after: "new",
  },
  { name: "a removal", times: 3, act: (store) => store.remove("apex"), before: "3", after: undefined },
];

async function prepared(times: number): Promise<{ directory: string; place: string; store: Store }> {
  const directory = join(base, `store-${++count}`);
  const store = fileStore(directory);
  let version: string | undefined;
  for (let time = 1; time <= times; time++) {
    version = await store.compareAndSet("apex", version, bytes(String(time)));
  }
  return { directory, place: join(directory, "apex"), store };
}

/** Every call that a scene makes when nothing goes wrong. */
async function callsOf(scene: Scene): Promise<FileCall[]> {
  const { directory } = await prepared(scene.times);
  const calls: FileCall[] = [];
  await scene.act(fileStore(directory, { files: watchedFiles((call) => calls.push(call)) }));
  return calls;
}

/** A fresh store finds the old value or the new one, whole, and can go on from it; nothing is left lying about. */
async function assertUsable(directory: string, scene: Scene, where: string): Promise<string | undefined> {
  const store = fileStore(directory);
  const found = await store.read("apex");
  assert.ok([scene.before, scene.after].includes(text(found)), `${where}: found ${text(found)}`);
  assert.ok(await store.compareAndSet("apex", found?.version, bytes("next")), where);
  assert.equal(text(await store.read("apex")), "next", where);
  const left = readdirSync(join(directory, "apex"));
  assert.ok(left.length <= 2 && left.every((name) => name.startsWith("g-")), `${where}: ${left}`);
  return text(found);
}

describe("a store in files", () => {
  after(() => rmSync(base, { recursive: true, force: true }));

  for (const scene of scenes) {
    it(`survives the death of its process at every call of ${scene.name}`, async () => {
      const calls = await callsOf(scene);
      const found = new Set<string | undefined>();
      for (const { index: deadly, name } of calls) {
        const { directory } = await prepared(scene.times);
        const files = watchedFiles(({ index }) => {
          // Dead processes tidy nothing up: from here on, every call fails.
          if (index >= deadly) throw systemError("DEAD");
        });
        await scene.act(fileStore(directory, { files })).catch(() => {});
        found.add(await assertUsable(directory, scene, `${name}, call ${deadly}`));
      }
      assert.deepEqual(found, new Set([scene.before, scene.after]));
    });

    it(`says what is wrong when the disk fails at any call of ${scene.name}, and loses nothing`, async () => {
      const calls = await callsOf(scene);
      const linked = calls.findIndex(({ name }) => name === "linkSync");
      for (const code of ["ENOSPC", "EDQUOT", "EROFS", "EIO", "EACCES", "EMFILE"]) {
        for (const { index: failing, name } of calls) {
          const where = `${code} from ${name}, call ${failing}`;
          const { directory } = await prepared(scene.times);
          const files = watchedFiles(({ index }) => {
            if (index === failing) throw systemError(code);
          });
          const error = await scene.act(fileStore(directory, { files })).then(
            () => undefined,
            (error) => error,
          );
          if (error) {
            assert.equal(error.name, "TokenError", where);
            assert.equal(error.code, "storage", where);
            assert.match(error.message, /^Cannot \w+ \/.*: [a-z]/, where);
            assert.ok(error.nextStep, where);
            assert.doesNotMatch(inspect(error), /as the system says it/, where);
          }
          const found = await assertUsable(directory, scene, where);
          // What was reported as done is done; what failed before the new file had its name never happened.
          if (!error) assert.equal(found, scene.after, where);
          if (error && failing <= linked) assert.equal(found, scene.before, where);
        }
      }
    });

    it(`puts everything of ${scene.name} on the disk before it says so`, async () => {
      const { directory, place } = await prepared(scene.times);
      const order: string[] = [];
      const paths = new Map<number, string>();
      const files = watchedFiles(({ name, args }) => {
        if (name === "writeSync" || name === "linkSync") order.push(name);
        if (name === "fsyncSync" || name === "fdatasyncSync") {
          order.push(`fsync ${paths.get(args[0] as number)}`);
        }
      });
      const open = files.openSync;
      files.openSync = (path, ...rest) => {
        const file = open(path, ...rest);
        paths.set(
          file,
          path === place ? "place" : String(path).startsWith(`${place}/t-`) ? "file" : String(path),
        );
        return file;
      };
      await scene.act(fileStore(directory, { files }));
      const tail = ["writeSync", "fsync file", "linkSync", "fsync place"];
      if (scene.after === undefined) tail.push("fsync place");
      assert.deepEqual(order.slice(-tail.length), tail);
      // The new directories too, and those above them: whoever made those may have died before it did it.
      const above = [directory];
      while (above[0] !== dirname(above[0])) above.unshift(dirname(above[0]));
      const room = scene.name.endsWith("ready") ? ["fsync file", "writeSync"] : [];
      const expected = scene.times === 0 ? above.map((path) => `fsync ${path}`) : room;
      assert.deepEqual([...new Set(order.slice(0, -tail.length))].sort(), expected);
    });
  }

  for (const scene of scenes.slice(0, 3)) {
    it(`has one winner when others write and remove between any two calls of ${scene.name}`, async () => {
      for (const { index: slept, name } of await callsOf(scene)) {
        for (const [what, meanwhile] of Object.entries(interruptions)) {
          const where = `${what} at ${name}, call ${slept}`;
          const { directory, store } = await prepared(scene.times);
          let seen: Promise<StoredValue | undefined> | undefined;
          let others: Promise<unknown>[] = [];
          const files = watchedFiles(({ index }) => {
            if (index !== slept) return;
            seen = store.read("apex");
            others = meanwhile(store, scene.times);
          });
          const result = await scene.act(fileStore(directory, { files }));
          const writes = (await Promise.all(others)).filter((version) => typeof version === "string");
          assert.ok(writes.length > 0, where);
          // Whoever wrote meanwhile found this write exactly if it was told that it had won.
          assert.equal(text(await seen) === "new", result !== undefined, `${where}: ${result}`);
          const last = await store.read("apex");
          assert.deepEqual(last, { version: writes.at(-1), value: bytes("meanwhile") }, where);
        }
      }
    });
  }

  it("writes on when the system takes a byte at a time", async () => {
    const { directory } = await prepared(0);
    const files = watchedFiles(() => {});
    files.writeSync =
      ((file: number, value: Uint8Array, from: number) =>
        system.writeSync(file, value, from, 1)) as typeof files.writeSync;
    files.readSync =
      ((file: number, value: Uint8Array, from: number) =>
        system.readSync(file, value, from, 1, null)) as typeof files.readSync;
    const store = fileStore(directory, { files });
    await store.compareAndSet("apex", undefined, bytes("one after the other"));
    assert.equal(text(await store.read("apex")), "one after the other");
  });

  it("believes the file, not the answer, when a network file system loses the answer to a link", async () => {
    const { directory, place } = await prepared(1);
    const files = watchedFiles(() => {});
    files.linkSync = (from, to) => {
      system.linkSync(from, to);
      throw systemError("EEXIST");
    };
    assert.equal(await fileStore(directory, { files }).compareAndSet("apex", "1", bytes("new")), "2");
    assert.equal(text(await fileStore(directory).read("apex")), "new");
    assert.deepEqual(readdirSync(place).sort(), ["g-1", "g-2"]);
  });

  it("tries again when a cleaner of old files took the waiting file away", async () => {
    const { directory, place } = await prepared(1);
    let cleaned = 0;
    const files = watchedFiles(({ name, args }) => {
      if (name === "linkSync" && cleaned++ < 3) system.unlinkSync(String(args[0]));
    });
    assert.equal(await fileStore(directory, { files }).compareAndSet("apex", "1", bytes("new")), "2");
    assert.equal(cleaned, 4);
    assert.deepEqual(readdirSync(place).sort(), ["g-1", "g-2"]);
  });

  it("gives up, and says so, when that never ends", async () => {
    const { directory } = await prepared(1);
    const files = watchedFiles(({ name, args }) => {
      if (name === "linkSync") system.unlinkSync(String(args[0]));
    });
    await assert.rejects(fileStore(directory, { files }).compareAndSet("apex", "1", bytes("new")), {
      code: "storage",
      message: /others write to it all the time/,
      retryable: true,
    });
    assert.equal(text(await fileStore(directory).read("apex")), "1");
  });

  it("writes what was made ready without room for more on the disk", async () => {
    const { directory, place } = await prepared(3);
    let isFull = false;
    const files = watchedFiles(({ name, args }) => {
      const isNew = name === "openSync" && (Number(args[1]) & system.constants.O_CREAT) !== 0;
      if (isFull && isNew) throw systemError("ENOSPC");
    });
    const store = fileStore(directory, { files });
    await store.prepare!("apex", "3");
    isFull = true;
    assert.equal(await store.compareAndSet("apex", "3", bytes("new")), "4");
    assert.equal(text(await fileStore(directory).read("apex")), "new");
    assert.deepEqual(readdirSync(place).sort(), ["g-3", "g-4"]);
    await assert.rejects(store.compareAndSet("apex", "4", bytes("newer")), { code: "storage" });
  });

  it("leaves nothing of what was made ready for a write that did not come", async () => {
    const { directory, place, store } = await prepared(3);
    const waiting = () => readdirSync(place).filter((name) => name.startsWith("t-")).length;
    const first = await store.prepare!("apex", "3");
    assert.equal(waiting(), 1);
    const second = await store.prepare!("apex", "3");
    assert.equal(waiting(), 1);
    first();
    assert.equal(waiting(), 1);
    second();
    assert.deepEqual(readdirSync(place), ["g-3"]);
    // of another version, of nothing, of a place that is not there
    const others = [await store.prepare!("apex", "2"), await store.prepare!("apex", undefined)];
    others.push(await store.prepare!("elsewhere", undefined));
    for (const takeBack of others) takeBack();
    await store.prepare!("apex", "3");
    assert.equal(await store.compareAndSet("apex", "2", bytes("late")), undefined);
    assert.deepEqual(readdirSync(place), ["g-3"]);
    assert.deepEqual(readdirSync(directory), ["apex"]);
  });

  it("keeps a value that outgrew the room that was made for it", async () => {
    const { store } = await prepared(1);
    const value = new Uint8Array(100_000).fill(7);
    await store.prepare!("apex", "1");
    assert.equal(await store.compareAndSet("apex", "1", value), "2");
    assert.deepEqual((await store.read("apex"))?.value, value);
    await store.prepare!("apex", "2");
    assert.equal(await store.compareAndSet("apex", "2", bytes("short")), "3");
    assert.equal(text(await store.read("apex")), "short");
  });

  it("reads the newest when the files that it had listed are gone", async () => {
    const { directory, store } = await prepared(2);
    let version = 2;
    const others: Promise<unknown>[] = [];
    const files = watchedFiles(({ name }) => {
      if (name !== "openSync" || version > 8) return;
      for (let times = 0; times < 3; times++) {
        others.push(store.compareAndSet("apex", String(version), bytes(String(++version))));
      }
    });
    const read = await fileStore(directory, { files }).read("apex");
    await Promise.all(others);
    assert.deepEqual(read, { version: "11", value: bytes("11") });
  });

  it("removes what waits for a number before it removes the number", async () => {
    const { directory, place, store } = await prepared(3);
    system.writeFileSync(join(place, "t-2-of-a-sleeper"), "", { mode: 0o600 });
    const removed: string[] = [];
    const files = watchedFiles(({ name, args }) => {
      if (name === "unlinkSync") {
        removed.push(String(args[0]).slice(place.length + 1).replace(/^t-4-.*/, "t-4"));
      }
    });
    await fileStore(directory, { files }).compareAndSet("apex", "3", bytes("new"));
    assert.deepEqual(removed, ["t-4", "t-2-of-a-sleeper", "g-2"]);

    // As long as one waits that cannot be removed, its number stays taken.
    system.writeFileSync(join(place, "t-3-of-a-sleeper"), "", { mode: 0o600 });
    const stuck = watchedFiles(({ name, args }) => {
      if (name === "unlinkSync" && String(args[0]).endsWith("sleeper")) throw systemError("EPERM");
    });
    assert.equal(
      await fileStore(directory, { files: stuck }).compareAndSet("apex", "4", bytes("newer")),
      "5",
    );
    assert.deepEqual(readdirSync(place).sort(), ["g-3", "g-4", "g-5", "t-3-of-a-sleeper"]);
    await store.compareAndSet("apex", "5", bytes("newest"));
    assert.deepEqual(readdirSync(place).sort(), ["g-5", "g-6"]);
  });

  it("is not misled by a listing that is out of date", async () => {
    for (const times of [0, 3]) {
      const { directory, store } = await prepared(times);
      let others: Promise<unknown>[] | undefined;
      let waiting = false;
      const files = watchedFiles(({ name }) => {
        waiting ||= name === "writeSync";
      });
      const list = files.readdirSync;
      // All that others do happens after the listing was begun, and none of it is listed.
      files.readdirSync = ((path: string) => {
        const listed = list(path);
        if (waiting) others ??= interruptions["four writes"](store, times);
        return listed;
      }) as typeof files.readdirSync;
      const version = times === 0 ? undefined : String(times);
      assert.equal(
        await fileStore(directory, { files }).compareAndSet("apex", version, bytes("new")),
        undefined,
      );
      assert.equal((await Promise.all(others!)).filter(Boolean).length, 5);
      assert.equal(text(await store.read("apex")), "meanwhile");
    }
  });

  it("says so where a file system has no hard links", async () => {
    for (const code of ["EPERM", "ENOTSUP", "EOPNOTSUPP"]) {
      const { directory, place } = await prepared(1);
      const files = watchedFiles(({ name }) => {
        if (name === "linkSync") throw systemError(code);
      });
      await assert.rejects(fileStore(directory, { files }).compareAndSet("apex", "1", bytes("new")), {
        name: "TokenError",
        code: "storage",
        message: /its file system has no hard links/,
        nextStep: /local disk/,
      });
      assert.deepEqual(readdirSync(place), ["g-1"]);
    }
  });
});

/**
 * What others do while a writer sleeps, between two of its calls. They write from every version that may be the newest
 * by then: only the right one is accepted.
 */
const interruptions: Record<string, (store: Store, newest: number) => Promise<unknown>[]> = {
  "a write": (store, newest) => writesFrom(store, newest, 2),
  "two writes": (store, newest) => writesFrom(store, newest, 3),
  "four writes": (store, newest) => writesFrom(store, newest, 5),
  "a removal and writes": (store, newest) => {
    const first = newest === 0 ? [store.compareAndSet("apex", undefined, bytes("meanwhile"))] : [];
    return [
      ...first,
      store.remove("apex"),
      store.compareAndSet("apex", undefined, bytes("meanwhile")),
      ...writesFrom(store, newest + 1, 5),
    ];
  },
};

function writesFrom(store: Store, newest: number, versions: number): Promise<unknown>[] {
  return Array.from({ length: versions }, (_, at) => {
    const version = newest + at;
    return store.compareAndSet("apex", version === 0 ? undefined : String(version), bytes("meanwhile"));
  });
}
