import assert from "node:assert/strict";
import { existsSync, linkSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { isTokenError } from "../../lib/errors.ts";
import { ensureReserve, freeReserve } from "../../lib/host/reserve.ts";
import { systemError, watchedFiles } from "./watched_files.ts";

describe("room on the disk that is taken before it is needed", () => {
  const directory = mkdtempSync(join(tmpdir(), "apex-token-reserve-"));
  after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "reserve");

  it("is taken once, and given back", () => {
    ensureReserve(path);
    const { size, ino, mode } = statSync(path);
    assert.deepEqual([size, mode & 0o777], [65_536, 0o600]);
    ensureReserve(path);
    assert.equal(statSync(path).ino, ino);
    freeReserve(path);
    assert.ok(!existsSync(path));
    freeReserve(path);
  });

  it("is taken anew when what is there is torn", () => {
    writeFileSync(path, "torn", { mode: 0o600 });
    ensureReserve(path);
    assert.equal(statSync(path).size, 65_536);
  });

  it("is taken anew when a second name would keep the room from coming free", () => {
    ensureReserve(path);
    const { ino } = statSync(path);
    linkSync(path, join(directory, "left over"));
    ensureReserve(path);
    assert.notEqual(statSync(path).ino, ino);
    assert.equal(statSync(path).nlink, 1);
  });

  it("says so when there is none", () => {
    freeReserve(path);
    const files = watchedFiles(({ name }) => {
      if (name === "writeSync") throw systemError("ENOSPC");
    });
    assert.throws(() => ensureReserve(path, { files }), (error) => {
      return isTokenError(error) && error.code === "storage" && /the disk is full/.test(error.message);
    });
  });
});
