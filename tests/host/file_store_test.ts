import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { after, describe, it } from "node:test";
import { FILE_STORE_LIMIT, fileStore } from "../../lib/host/file_store.ts";
import type { Store } from "../../lib/store/store.ts";
import { encryptedStore } from "../../lib/store/encrypted_store.ts";
import { storeConformance } from "../store/conformance.ts";
import { runProgram, underUmask } from "./programs.ts";
import { modeOf } from "./watched_files.ts";

const base = mkdtempSync(join(tmpdir(), "apex-token-store-"));
let count = 0;
const fresh = () => join(base, `store-${++count}`);
const bytes = (text: string) => new TextEncoder().encode(text);
const refused = (message: RegExp, nextStep: RegExp = /./) => ({
  name: "TokenError",
  code: "storage",
  message,
  nextStep,
});

/** A store in which `apex` was written `times`: the last value is its number. */
async function written(times: number): Promise<{ directory: string; place: string; store: Store }> {
  const directory = fresh();
  const store = fileStore(directory);
  let version: string | undefined;
  for (let time = 1; time <= times; time++) {
    version = await store.compareAndSet("apex", version, bytes(String(time)));
  }
  return { directory, place: join(directory, "apex"), store };
}

/** Every way to use a store: each must refuse what is not private. */
function everyUse(store: Store): [string, () => Promise<unknown>][] {
  return [
    ["read", () => store.read("apex")],
    ["write", () => store.compareAndSet("apex", "2", bytes("new"))],
    ["create", () => store.compareAndSet("apex", undefined, bytes("new"))],
    ["remove", () => store.remove("apex")],
  ];
}

storeConformance("files", () => fileStore(fresh()));
storeConformance("encrypted files", () => encryptedStore(fileStore(fresh()), new Uint8Array(32), "sessions"));

describe("a store in files", () => {
  after(() => rmSync(base, { recursive: true, force: true }));

  it("says what it promises", () => {
    assert.deepEqual(fileStore(fresh()).capabilities, {
      compareAndSet: true,
      lease: false,
      durable: true,
      strongRead: true,
    });
  });

  it("touches nothing before the first write", async () => {
    const directory = fresh();
    const store = fileStore(directory);
    await store.read("apex");
    await store.remove("apex");
    assert.equal(existsSync(directory), false);
  });

  it("keeps what another store on the same directory wrote", async () => {
    const { directory } = await written(2);
    assert.deepEqual(await fileStore(directory).read("apex"), { version: "2", value: bytes("2") });
    assert.deepEqual(await fileStore(`${directory}/`).read("apex"), { version: "2", value: bytes("2") });
  });

  it("stays in its directory when the process moves to another one", async () => {
    const { directory } = await written(1);
    const { stdout } = await runProgram("files", ["moved", basename(directory)], { cwd: dirname(directory) });
    assert.equal(JSON.parse(stdout), "1");
  });

  it("makes files of 0600 in directories of 0700, whatever the umask", async () => {
    for (const umask of [0, 0o022, 0o077]) {
      const directory = fresh();
      await underUmask(umask, "store", directory);
      assert.deepEqual(
        ["", "deep", "deep/er", "deep/er/a%2Fb", "deep/er/a%2Fb/g-1", "deep/er/a%2Fb/g-2"]
          .map((path) => modeOf(join(directory, path))),
        ["700", "700", "700", "700", "600", "600"],
        `umask ${umask.toString(8)}`,
      );
    }
  });

  it("keeps the newest file and the one before, and changes neither", async () => {
    const { place, store } = await written(1);
    assert.deepEqual(readdirSync(place), ["g-1"]);
    const first = readFileSync(join(place, "g-1"));
    for (let version = 1; version < 12; version++) {
      await store.compareAndSet("apex", String(version), bytes("more"));
      if (version === 1) assert.deepEqual(readFileSync(join(place, "g-1")), first);
      assert.deepEqual(readdirSync(place).sort(), [`g-${version}`, `g-${version + 1}`].sort());
    }
  });

  it("leaves nothing of a removed value on the disk", async () => {
    const { place, store } = await written(2);
    await store.remove("apex");
    assert.deepEqual(readdirSync(place), ["g-3"]);
    assert.equal(readFileSync(join(place, "g-3")).length, 16);
    assert.equal(await store.compareAndSet("apex", undefined, bytes("new")), "4");
  });

  it("leaves other files in the directory alone", async () => {
    const { place, store } = await written(2);
    for (const name of ["lock.db", "intent", "g-2.bak", "g-03", "G-9", "t-x"]) {
      writeFileSync(join(place, name), "not ours", { mode: 0o644 });
    }
    mkdirSync(join(place, "folder"));
    await store.compareAndSet("apex", "2", bytes("3"));
    assert.deepEqual((await store.read("apex"))?.value, bytes("3"));
    await store.remove("apex");
    assert.deepEqual(
      readdirSync(place).sort(),
      ["G-9", "folder", "g-03", "g-2.bak", "g-4", "intent", "lock.db", "t-x"],
    );
  });

  it("ignores what a dead process left behind, and clears it away with the next write", async () => {
    const { place, store } = await written(2);
    writeFileSync(join(place, `t-2-${crypto.randomUUID()}`), "half of it", { mode: 0o600 });
    writeFileSync(join(place, `t-3-${crypto.randomUUID()}`), "", { mode: 0o600 });
    // Dead between `link` and `unlink`.
    linkSync(join(place, "g-2"), join(place, `t-2-${crypto.randomUUID()}`));
    assert.deepEqual(await store.read("apex"), { version: "2", value: bytes("2") });
    assert.equal(await store.compareAndSet("apex", "2", bytes("3")), "3");
    assert.deepEqual(readdirSync(place).sort(), ["g-2", "g-3"]);
  });

  it("falls back to the file before when the newest is torn, and goes on from there", async () => {
    const tear: Record<string, (path: string) => void> = {
      "cut off": (path) => truncateSync(path, 10),
      "empty": (path) => truncateSync(path, 0),
      "zeros": (path) => writeFileSync(path, new Uint8Array(17), { mode: 0o600 }),
      "changed": (path) =>
        writeFileSync(path, readFileSync(path).map((byte, at) => at === 16 ? byte ^ 1 : byte)),
    };
    for (const [how, damage] of Object.entries(tear)) {
      const { place, store } = await written(3);
      damage(join(place, "g-3"));
      const read = await store.read("apex");
      assert.deepEqual(read, { version: "3", value: bytes("2") }, how);
      assert.equal(await store.compareAndSet("apex", read?.version, bytes("4")), "4");
      assert.deepEqual(await store.read("apex"), { version: "4", value: bytes("4") });
      assert.equal(await store.remove("apex", "4"), true);
    }
  });

  it("says so when no file is whole, and lets them be removed", async () => {
    const { place, store } = await written(3);
    for (const name of ["g-2", "g-3"]) truncateSync(join(place, name), 12);
    const lost = refused(/Cannot read .*\/apex: no file in it is whole/, /backup.*`apex-token login`/);
    await assert.rejects(store.read("apex"), lost);
    await assert.rejects(store.compareAndSet("apex", "3", bytes("new")), lost);
    await assert.rejects(store.compareAndSet("apex", undefined, bytes("new")), lost);
    assert.deepEqual(readdirSync(place).sort(), ["g-2", "g-3"]);
    assert.equal(await store.remove("apex"), true);
    assert.equal(await store.compareAndSet("apex", undefined, bytes("new")), "5");
  });

  it("touches nothing that a newer release wrote", async () => {
    const { place, store } = await written(2);
    const newer = readFileSync(join(place, "g-2"));
    newer[4] = 2;
    writeFileSync(join(place, "g-2"), newer);
    for (const [name, use] of everyUse(store)) {
      await assert.rejects(use(), refused(/written by a newer release/, /newest release/), name);
    }
    assert.deepEqual(readFileSync(join(place, "g-2")), newer);
  });

  it("refuses a directory that others can enter, with the command that closes it", async () => {
    for (const which of ["", "apex"]) {
      const { directory, place, store } = await written(2);
      const path = join(directory, which);
      for (const mode of [0o755, 0o770, 0o701]) {
        chmodSync(path, mode);
        for (const [name, use] of everyUse(store)) {
          await assert.rejects(
            use(),
            refused(/other users have access/, new RegExp(`^Run: chmod 700 ${path}$`)),
            name,
          );
        }
      }
      chmodSync(path, 0o700);
      assert.deepEqual(await store.read("apex"), { version: "2", value: bytes("2") });
      assert.deepEqual(readdirSync(place).sort(), ["g-1", "g-2"]);
    }
  });

  it("refuses a directory that was there before and is open to others", async () => {
    const directory = fresh();
    mkdirSync(directory);
    chmodSync(directory, 0o755);
    await assert.rejects(
      fileStore(directory).compareAndSet("apex", undefined, bytes("new")),
      refused(/mode 0755/, new RegExp(`^Run: chmod 700 ${directory}$`)),
    );
    assert.deepEqual(readdirSync(directory), []);
  });

  it("refuses a file that others can read, with the command that closes it", async () => {
    const { place, store } = await written(2);
    const path = join(place, "g-2");
    chmodSync(path, 0o644);
    for (const [name, use] of everyUse(store)) {
      await assert.rejects(use(), refused(/mode 0644/, new RegExp(`^Run: chmod 600 ${path}$`)), name);
    }
    assert.deepEqual(readdirSync(place).sort(), ["g-1", "g-2"]);
  });

  it("refuses what belongs to somebody else", async () => {
    if (process.geteuid!() !== 0) {
      // Without root nobody can give a directory away; that of root is somebody else's.
      await assert.rejects(
        fileStore("/").read("usr"),
        refused(/belongs to another user \(uid 0/, /sudo chown/),
      );
      return;
    }
    for (const which of ["", "apex", "apex/g-2"]) {
      const { directory, store } = await written(2);
      chownSync(join(directory, which), 54321, 54321);
      for (const [name, use] of everyUse(store)) {
        await assert.rejects(
          use(),
          refused(/belongs to another user \(uid 54321, yours is 0\)/, /sudo chown -R 0 /),
          name,
        );
      }
    }
  });

  it("refuses a link in place of a directory or a file, wherever it leads", async () => {
    for (const which of ["", "apex", "apex/g-2"]) {
      for (const to of ["its content", "nothing"]) {
        const { directory, store } = await written(2);
        const path = join(directory, which);
        const elsewhere = fresh();
        renameSync(path, elsewhere);
        if (to === "nothing") rmSync(elsewhere, { recursive: true });
        symlinkSync(elsewhere, path);
        for (const [name, use] of everyUse(store)) {
          await assert.rejects(
            use(),
            refused(/symbolic link/, /Remove the link/),
            `${name} ${which} to ${to}`,
          );
        }
        assert.equal(existsSync(elsewhere), to !== "nothing");
      }
    }
  });

  it("refuses what is no file, too many names for one, and more than 4 MiB", async () => {
    const replacements: [RegExp, (path: string, place: string) => void][] = [
      [/not a regular file/, (path) => execFileSync("mkfifo", ["-m", "600", path])],
      [/not a regular file/, (path) => mkdirSync(path, { mode: 0o700 })],
      [/larger than/, (path) => writeFileSync(path, new Uint8Array(FILE_STORE_LIMIT + 17), { mode: 0o600 })],
      [/has 3 names/, (path, place) => {
        renameSync(join(place, "g-1"), path);
        for (const name of ["one", "two"]) linkSync(path, join(place, name));
      }],
    ];
    for (const [message, replace] of replacements) {
      const { place, store } = await written(2);
      unlinkSync(join(place, "g-2"));
      replace(join(place, "g-2"), place);
      for (const [name, use] of everyUse(store)) await assert.rejects(use(), refused(message), name);
    }
  });

  it("keeps up to 4 MiB, and refuses more before it writes", async () => {
    const directory = fresh();
    const store = fileStore(directory);
    await assert.rejects(
      store.compareAndSet("apex", undefined, new Uint8Array(FILE_STORE_LIMIT + 1)),
      refused(/the limit is 4194304/),
    );
    assert.equal(existsSync(directory), false);
    const most = new Uint8Array(FILE_STORE_LIMIT).fill(7);
    assert.equal(await store.compareAndSet("apex", undefined, most), "1");
    assert.deepEqual((await store.read("apex"))?.value, most);
  });

  it("refuses a key that no directory can be named after", async () => {
    const store = fileStore(fresh());
    for (const key of ["", "x".repeat(256), "\ud800"]) {
      await assert.rejects(store.read(key), { name: "TokenError", code: "invalid_argument" });
      await assert.rejects(store.compareAndSet(key, undefined, bytes("x")), { code: "invalid_argument" });
      await assert.rejects(store.remove(key), { code: "invalid_argument" });
    }
  });

  it("keeps nothing readable when it is encrypted", async () => {
    const directory = fresh();
    const store = encryptedStore(fileStore(directory), new Uint8Array(32), "sessions");
    const version = await store.compareAndSet("apex", undefined, bytes("a refresh token"));
    await store.compareAndSet("apex", version, bytes("another refresh token"));
    for (const name of readdirSync(join(directory, "apex"))) {
      assert.doesNotMatch(readFileSync(join(directory, "apex", name), "latin1"), /refresh token/);
    }
  });
});
