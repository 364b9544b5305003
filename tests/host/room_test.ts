import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, beforeEach, describe, it } from "node:test";
import { isTokenError } from "../../lib/errors.ts";
import { checkPrivateRoom, checkRoom } from "../../lib/host/room.ts";
import { systemError, watchedFiles } from "./watched_files.ts";

const saying = (pattern: RegExp) => (error: unknown) =>
  isTokenError(error) && error.code === "storage" && pattern.test(error.message);

describe("room for what is to be kept", () => {
  const top = mkdtempSync(join(tmpdir(), "apex-token-room-"));
  after(() => rmSync(top, { recursive: true }));
  let directory: string;
  beforeEach(() => directory = mkdtempSync(join(top, "d-")));

  it("is looked for in the directory, and nothing is left there", () => {
    const made: string[] = [];
    const files = watchedFiles(({ name, args }) => {
      if (name === "openSync") made.push(dirname(String(args[0])));
    });
    checkPrivateRoom(directory, { files });
    assert.deepEqual(made, [directory]);
    assert.deepEqual(readdirSync(directory), []);
  });

  it("is looked for above it where it is not made yet, and it is not made by that", () => {
    checkPrivateRoom(join(directory, "a", "b"));
    assert.deepEqual(readdirSync(directory), []);
  });

  for (
    const [code, words] of [
      ["ENOSPC", /the disk is full/],
      ["EDQUOT", /quota is used up/],
      ["EROFS", /is read-only/],
      ["EACCES", /permission denied/],
      ["EIO", /input\/output error/],
    ] as const
  ) {
    for (const call of ["openSync", "writeSync", "fsyncSync"] as const) {
      it(`is none where ${call} ends with ${code}: that is said of the directory, and nothing is left`, () => {
        const files = watchedFiles(({ name }) => {
          if (name === call) throw systemError(code);
        });
        const wanted = join(directory, "a");
        assert.throws(() => checkRoom(wanted, { files }), saying(words));
        assert.throws(() => checkRoom(wanted, { files }), (error: Error) => error.message.includes(wanted));
        assert.deepEqual(readdirSync(directory), []);
      });
    }
  }

  it("is none behind a link that leads nowhere, below a file, and where there is a link or an open door", () => {
    symlinkSync(join(directory, "nowhere"), join(directory, "link"));
    assert.throws(() => checkRoom(join(directory, "link", "a")), saying(/the link \S+ leads nowhere/));
    writeFileSync(join(directory, "file"), "");
    assert.throws(() => checkRoom(join(directory, "file", "a")), saying(/not a directory/));
    mkdirSync(join(directory, "open"));
    chmodSync(join(directory, "open"), 0o755);
    assert.throws(() => checkPrivateRoom(join(directory, "open")), saying(/other users have access/));
    checkRoom(join(directory, "open"));
    symlinkSync(top, join(directory, "elsewhere"));
    assert.throws(() => checkPrivateRoom(join(directory, "elsewhere")), saying(/a symbolic link stands/));
  });
});
