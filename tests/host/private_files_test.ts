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
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import process from "node:process";
import { after, describe, it } from "node:test";
import {
  createPrivateFile,
  ensurePrivateDirectory,
  readPrivateFile,
  removePrivateFile,
  writePrivateFileAtomically,
} from "../../lib/host/private_files.ts";
import { underUmask } from "./programs.ts";
import { modeOf, systemError, watchedFiles } from "./watched_files.ts";

const base = mkdtempSync(join(tmpdir(), "apex-token-private-"));
let count = 0;
const fresh = () => join(base, `case-${++count}`);
const bytes = (text: string) => new TextEncoder().encode(text);
const read = (path: string) => readPrivateFile(path, { limit: 1000 });
const me = process.geteuid!();

/** A private directory with one private file in it. */
function withFile(content = "content"): { directory: string; file: string } {
  const directory = fresh();
  mkdirSync(directory, { mode: 0o700 });
  const file = join(directory, "file");
  writeFileSync(file, content, { mode: 0o600 });
  return { directory, file };
}

const refused = (message: RegExp, nextStep: RegExp) => ({
  name: "TokenError",
  code: "storage",
  message,
  nextStep,
});

describe("private files", () => {
  after(() => rmSync(base, { recursive: true, force: true }));

  it("are 0600 in directories of 0700, whatever the umask", async () => {
    for (const umask of [0, 0o022, 0o077]) {
      const directory = fresh();
      await underUmask(umask, "private", directory);
      assert.deepEqual(
        ["", "a", "a/b", "a/b/written", "a/b/created"].map((path) => modeOf(join(directory, path))),
        ["700", "700", "700", "600", "600"],
        `umask ${umask.toString(8)}`,
      );
    }
  });

  it("are never open to others, not even while they are written", async () => {
    const modes = await underUmask(0, "watched", fresh()) as number[];
    assert.ok(modes.length >= 2);
    assert.deepEqual(new Set(modes), new Set([0o600]));
  });

  it("read back as they were written", () => {
    const path = join(fresh(), "file");
    const content = Uint8Array.from({ length: 1000 }, (_, at) => at);
    writePrivateFileAtomically(path, content);
    assert.deepEqual(read(path), content);
    writePrivateFileAtomically(path, new Uint8Array());
    assert.deepEqual(read(path), new Uint8Array());
    assert.deepEqual(readdirSync(join(path, "..")), ["file"]);
  });

  it("are nothing where there is none", () => {
    assert.equal(read(join(fresh(), "file")), undefined);
    assert.equal(read(join(withFile().directory, "other")), undefined);
    assert.equal(removePrivateFile(join(fresh(), "file")), false);
  });

  it("take a relative path", () => {
    const { file } = withFile();
    const path = relative(process.cwd(), file);
    writePrivateFileAtomically(path, bytes("from here"));
    assert.equal(readFileSync(file, "utf8"), "from here");
    assert.equal(removePrivateFile(path), true);
  });

  it("are read to the end when they grow meanwhile, but not beyond the limit", () => {
    const { file } = withFile("a".repeat(10));
    const files = watchedFiles(({ name, index }) => {
      if (name === "readSync" && index < 3) writeFileSync(file, "b".repeat(1000));
    });
    assert.equal(readPrivateFile(file, { limit: 1000, files })?.length, 1000);
    writeFileSync(file, "a".repeat(10));
    const growing = watchedFiles(({ name, index }) => {
      if (name === "readSync" && index < 3) writeFileSync(file, "b".repeat(1001));
    });
    assert.throws(
      () => readPrivateFile(file, { limit: 1000, files: growing }),
      refused(/larger than 1000/, /./),
    );
  });

  it("may be exactly as large as the limit", () => {
    const { file } = withFile("a".repeat(1000));
    assert.equal(read(file)?.length, 1000);
    writeFileSync(file, "a".repeat(1001));
    assert.throws(() => read(file), refused(/is larger than 1000 bytes/, /move it out of the way/));
  });

  it("are refused when others can read or write them, with the command that helps", () => {
    for (const mode of [0o644, 0o640, 0o620, 0o601, 0o666]) {
      const { file } = withFile();
      chmodSync(file, mode);
      const shown = new RegExp(`mode 0${mode.toString(8)}`);
      for (const attempt of [() => read(file), () => writePrivateFileAtomically(file, bytes("x"))]) {
        assert.throws(attempt, refused(shown, /^Run: chmod 600 \//));
      }
      assert.equal(readFileSync(file, "utf8"), "content");
      chmodSync(file, 0o600);
      assert.deepEqual(read(file), bytes("content"));
    }
  });

  it("are refused when they belong to somebody else", () => {
    // Only root can give a file away; everybody else finds one that belongs to root.
    let foreign = "/etc/passwd";
    if (me === 0) {
      foreign = withFile().file;
      chownSync(foreign, 54321, 54321);
    }
    const owner = me === 0 ? 54321 : 0;
    const refusal = refused(
      new RegExp(`belongs to another user \\(uid ${owner}, yours is ${me}\\)`),
      new RegExp(`sudo chown -R ${me} /`),
    );
    assert.throws(() => readPrivateFile(foreign, { limit: 100_000 }), refusal);
    if (me === 0) assert.throws(() => writePrivateFileAtomically(foreign, bytes("x")), refusal);
    assert.throws(() => ensurePrivateDirectory(me === 0 ? chowned() : "/"), refusal);
  });

  it("are refused when a link stands in their place", () => {
    const { directory, file } = withFile();
    for (const target of [file, join(directory, "nowhere")]) {
      const link = join(directory, "link");
      symlinkSync(target, link);
      assert.throws(() => read(link), refused(/a symbolic link stands in its place/, /Remove the link/));
      assert.throws(
        () => writePrivateFileAtomically(link, bytes("x")),
        refused(/symbolic link/, /^Remove the link: rm \//),
      );
      assert.equal(createPrivateFile(link, bytes("x")), false);
      assert.equal(removePrivateFile(link), true);
    }
    assert.deepEqual(readdirSync(directory), ["file"]);
    assert.equal(readFileSync(file, "utf8"), "content");
  });

  it("are refused when something else stands in their place", () => {
    const { directory } = withFile();
    execFileSync("mkfifo", ["-m", "600", join(directory, "pipe")]);
    mkdirSync(join(directory, "folder"), { mode: 0o700 });
    for (const name of ["pipe", "folder"]) {
      assert.throws(() => read(join(directory, name)), refused(/it is not a regular file/, /out of the way/));
      assert.throws(
        () => writePrivateFileAtomically(join(directory, name), bytes("x")),
        refused(/it is not a regular file/, /out of the way/),
      );
    }
  });

  it("are refused under a second name, unless the caller expects one", () => {
    const { directory, file } = withFile();
    linkSync(file, join(directory, "second"));
    assert.throws(() => read(file), refused(/it has 2 names/, /ls -li/));
    assert.deepEqual(readPrivateFile(file, { limit: 100, links: 2 }), bytes("content"));
    linkSync(file, join(directory, "third"));
    assert.throws(() => readPrivateFile(file, { limit: 100, links: 2 }), refused(/it has 3 names/, /ls -li/));
  });

  it("live only in a directory that others cannot enter", () => {
    for (const mode of [0o755, 0o750, 0o710, 0o701, 0o1777]) {
      const { directory, file } = withFile();
      chmodSync(directory, mode);
      for (
        const attempt of [
          () => ensurePrivateDirectory(directory),
          () => writePrivateFileAtomically(file, bytes("x")),
          () => createPrivateFile(join(directory, "new"), bytes("x")),
        ]
      ) {
        assert.throws(
          attempt,
          refused(
            new RegExp(`other users have access to it \\(mode ${mode.toString(8).padStart(4, "0")}\\)`),
            new RegExp(`^Run: chmod 700 ${directory}$`),
          ),
        );
      }
      assert.deepEqual(readdirSync(directory), ["file"]);
      chmodSync(directory, 0o700);
      ensurePrivateDirectory(directory);
    }
  });

  it("live in no directory that is a link or a file", () => {
    const { directory, file } = withFile();
    const link = fresh();
    symlinkSync(directory, link);
    for (const path of [link, `${link}/`]) {
      assert.throws(
        () => ensurePrivateDirectory(path),
        refused(/a symbolic link stands in place/, /^Remove the link/),
      );
    }
    assert.throws(() => ensurePrivateDirectory(file), refused(/it is not a directory/, /Name another/));
    assert.throws(
      () => writePrivateFileAtomically(join(file, "below"), bytes("x")),
      refused(/it is not a directory/, /Name another/),
    );
    assert.throws(
      () => ensurePrivateDirectory(join(file, "a", "b")),
      refused(/not a directory/, /Name another/),
    );
  });

  it("show a path that a shell must not take apart", () => {
    const directory = join(base, "it's $(here)");
    mkdirSync(directory);
    chmodSync(directory, 0o755);
    assert.throws(
      () => ensurePrivateDirectory(directory),
      { nextStep: `Run: chmod 700 '${base}/it'\\''s $(here)'` },
    );
    // A person copies it into a shell: it must mean that very directory there.
    const { nextStep } = caught(() => ensurePrivateDirectory(directory));
    execFileSync("sh", ["-c", nextStep.replace("Run: ", "")]);
    assert.equal(modeOf(directory), "700");
  });

  it("say what is wrong with the disk, and leave the old content", () => {
    const words: Record<string, RegExp> = {
      ENOSPC: /the disk is full/,
      EDQUOT: /your disk quota is used up/,
      EROFS: /the file system is read-only/,
      EACCES: /permission denied/,
      EIO: /an input\/output error/,
      EMFILE: /too many open files/,
      EFBIG: /may not become that large/,
    };
    for (const [code, message] of Object.entries(words)) {
      const { directory, file } = withFile();
      for (const failing of ["openSync", "writeSync", "fsyncSync", "renameSync"]) {
        const files = watchedFiles(({ name, args }) => {
          const written = name !== "openSync" || args.length > 2;
          if (name === failing && written) throw systemError(code);
        });
        assert.throws(() => writePrivateFileAtomically(file, bytes("new"), { files }), refused(message, /./));
        // The directory is synced after the rename: by then the new content has its name.
        assert.equal(readFileSync(file, "utf8"), "content", `${code} from ${failing}`);
        assert.deepEqual(readdirSync(directory), ["file"]);
      }
      const files = watchedFiles(({ name }) => {
        if (name === "openSync") throw systemError(code);
      });
      assert.throws(() => readPrivateFile(file, { limit: 10, files }), refused(message, /./));
    }
  });

  it("are on the disk before they get their name, and their name before the call returns", () => {
    const { file } = withFile();
    const order: string[] = [];
    const files = watchedFiles(({ name }) => {
      if (["writeSync", "fsyncSync", "renameSync", "linkSync"].includes(name)) order.push(name);
    });
    writePrivateFileAtomically(file, bytes("new"), { files });
    assert.deepEqual(order, ["writeSync", "fsyncSync", "renameSync", "fsyncSync"]);
    order.length = 0;
    createPrivateFile(`${file}2`, bytes("new"), { files });
    assert.deepEqual(order, ["writeSync", "fsyncSync", "linkSync", "fsyncSync"]);
  });

  it("are created once", () => {
    const path = join(fresh(), "file");
    assert.equal(createPrivateFile(path, bytes("first")), true);
    assert.equal(createPrivateFile(path, bytes("second")), false);
    assert.deepEqual(read(path), bytes("first"));
    assert.deepEqual(readdirSync(join(path, "..")), ["file"]);
  });

  it("are cleared of what a dead process left, not of what a living one writes", () => {
    const { directory, file } = withFile();
    const leftOver = (name: string, age: number) => {
      const path = join(directory, name);
      writeFileSync(path, "half", { mode: 0o600 });
      const time = Date.now() / 1000 - age;
      utimesSync(path, time, time);
      return path;
    };
    const old = leftOver(`.file.${crypto.randomUUID()}.tmp`, 3600);
    const young = leftOver(`.file.${crypto.randomUUID()}.tmp`, 5);
    const another = leftOver(`.file.b.${crypto.randomUUID()}.tmp`, 3600);
    const mine = leftOver(`.file.notes.tmp`, 3600);
    writePrivateFileAtomically(file, bytes("new"));
    assert.deepEqual([old, young, another, mine].map(existsSync), [false, true, true, true]);
    assert.deepEqual(read(file), bytes("new"));
  });

  it("tell a file system without permissions from a careless user", () => {
    const directory = fresh();
    const files = watchedFiles(() => {});
    const made = files.mkdirSync;
    // As FAT does it: whatever was asked for, everybody may do everything.
    files.mkdirSync = ((path: string, options: { recursive: true }) => {
      const first = made(path, options);
      chmodSync(path, 0o777);
      return first;
    }) as typeof files.mkdirSync;
    assert.throws(
      () => ensurePrivateDirectory(directory, { files }),
      refused(/its file system has no permissions/, /another file system/),
    );
  });

  function chowned(): string {
    const { directory } = withFile();
    chownSync(directory, 54321, 54321);
    return directory;
  }

  function caught(work: () => void): { nextStep: string } {
    try {
      work();
    } catch (error) {
      return error as { nextStep: string };
    }
    return assert.fail(`${basename(base)}: nothing was thrown`);
  }
});
