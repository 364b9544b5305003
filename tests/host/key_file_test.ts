import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import { createKeyFile, readKeyFile } from "../../lib/host/key_file.ts";
import { keyFromText, keyToText } from "../../lib/host/key_text.ts";
import { underUmask } from "./programs.ts";
import { modeOf, systemError, watchedFiles } from "./watched_files.ts";

const base = mkdtempSync(join(tmpdir(), "apex-token-key-"));
let count = 0;
const fresh = () => join(base, `case-${++count}`, "master.key");
const isKeyError = (message: RegExp, nextStep = /./) => ({
  name: "TokenError",
  code: "key",
  message,
  nextStep,
});

describe("a key file", () => {
  after(() => rmSync(base, { recursive: true, force: true }));

  it("is made once, with 32 random bytes, and read from then on", async () => {
    const path = fresh();
    const key = await createKeyFile(path);
    assert.equal(key.length, 32);
    assert.deepEqual(readKeyFile(path), key);
    assert.deepEqual(await createKeyFile(path), key);
    assert.notDeepEqual(await createKeyFile(fresh()), key);
    assert.deepEqual(readdirSync(join(path, "..")), ["master.key"]);
  });

  it("says what it is to a person who finds it", async () => {
    const path = fresh();
    const key = await createKeyFile(path);
    const text = readFileSync(path, "utf8");
    assert.match(text, /^apex-key-1:[A-Za-z0-9_-]{43}\n$/);
    assert.equal(text, `apex-key-1:${Buffer.from(key).toString("base64url")}\n`);
  });

  it("is 0600 in a directory of 0700, whatever the umask", async () => {
    for (const umask of [0, 0o022, 0o077]) {
      const directory = join(fresh(), "..");
      await underUmask(umask, "key", directory);
      const modes = [modeOf(join(directory, "key")), modeOf(directory)];
      assert.deepEqual(modes, ["600", "700"], umask.toString(8));
    }
  });

  it("is the same for all who make it at once", async () => {
    const path = fresh();
    const keys = await Promise.all(Array.from({ length: 8 }, () => createKeyFile(path)));
    for (const key of keys) assert.deepEqual(key, readKeyFile(path));
  });

  it("is that of whoever was faster, by however little", async () => {
    const path = fresh();
    let other: Uint8Array | undefined;
    const files = watchedFiles(({ name }) => {
      if (name !== "linkSync" || other) return;
      other = new Uint8Array(32).fill(7);
      writeFileSync(path, keyToText(other), { mode: 0o600 });
    });
    assert.deepEqual(await createKeyFile(path, { files }), new Uint8Array(32).fill(7));
    assert.deepEqual(readKeyFile(path), other);
  });

  it("can be read though its maker died before it had removed the temporary name", async () => {
    const path = fresh();
    const key = await createKeyFile(path);
    linkSync(path, join(path, "..", `.master.key.${crypto.randomUUID()}.tmp`));
    assert.deepEqual(readKeyFile(path), key);
  });

  it("that is missing is an error with a next step, and is not made by reading", () => {
    const path = fresh();
    assert.throws(() => readKeyFile(path), isKeyError(/there is none/, /backup.*`apex-token login`/));
    assert.equal(existsSync(path), false);
  });

  it("that others can read is refused by both", async () => {
    const path = fresh();
    await createKeyFile(path);
    const before = readFileSync(path, "utf8");
    for (const mode of [0o644, 0o640, 0o604, 0o660]) {
      chmodSync(path, mode);
      const refusal = isKeyError(new RegExp(`mode 0${mode.toString(8)}`), /^Run: chmod 600 \//);
      assert.throws(() => readKeyFile(path), refusal);
      await assert.rejects(createKeyFile(path), refusal);
    }
    assert.equal(readFileSync(path, "utf8"), before);
  });

  it("that is a link is refused by both", async () => {
    const target = fresh();
    await createKeyFile(target);
    const link = join(target, "..", "link.key");
    symlinkSync(target, link);
    assert.throws(() => readKeyFile(link), isKeyError(/symbolic link/));
    await assert.rejects(createKeyFile(link), isKeyError(/symbolic link/));
  });

  it("that holds no key is refused, never replaced, and never shown", async () => {
    const good = keyToText(new Uint8Array(32).fill(0xa5));
    const bad = [
      "",
      "\n",
      "hunter2-the-password",
      good.slice(0, -2) + "\n",
      good.replace(":", ":A"),
      good.replace("apex-key-1:", ""),
      good.replace("apex-key-1:", "apex-key-0:"),
      good.replace("apex-key-1:", " apex-key-1:"),
      good + good,
      good + "\n",
      good.replace(/.\n$/, "=\n"),
      // The same 32 bytes with one of the spare bits set.
      good.replace(/U\n$/, "V\n"),
      "x".repeat(10_000),
    ];
    for (const text of bad) {
      const path = fresh();
      mkdirSync(join(path, ".."), { mode: 0o700 });
      writeFileSync(path, text, { mode: 0o600 });
      const refusal = isKeyError(/it is not "apex-key-1:" and 43 characters|it is larger than 256 bytes/);
      assert.throws(() => readKeyFile(path), refusal, JSON.stringify(text));
      const error = await createKeyFile(path).then(() => assert.fail("it was made"), (error) => error);
      const shown = inspect(error, { showHidden: true }) + JSON.stringify(error);
      assert.ok(!shown.includes("hunter2") && !shown.includes(good.slice(11, 40)));
      assert.equal(readFileSync(path, "utf8"), text);
    }
  });

  it("of a newer release is left alone", () => {
    const path = fresh();
    mkdirSync(join(path, ".."), { mode: 0o700 });
    writeFileSync(path, "apex-key-2:something else\n", { mode: 0o600 });
    assert.throws(() => readKeyFile(path), isKeyError(/written by a newer release/, /newest release/));
  });

  it("that cannot be written is a matter of storage, and nothing is left of it", async () => {
    for (const [code, message] of [["ENOSPC", /the disk is full/], ["EROFS", /read-only/]] as const) {
      const path = fresh();
      const files = watchedFiles(({ name }) => {
        if (name === "writeSync") throw systemError(code);
      });
      await assert.rejects(createKeyFile(path, { files }), { name: "TokenError", code: "storage", message });
      assert.deepEqual(readdirSync(join(path, "..")), []);
    }
  });
});

describe("the text of a key", () => {
  it("reads back, with and without its line feed", () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (key) => {
      const text = keyToText(key);
      for (const copy of [text, text.trimEnd(), text.replace("\n", "\r\n")]) {
        assert.deepEqual(keyFromText(copy), key);
      }
    }));
  });
});
