import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { networkFileSystem } from "../../lib/host/network_file_system.ts";

describe("a network file system", () => {
  for (
    const [type, name] of [
      [0x6969, "NFS"],
      [0xfe534d42, "SMB"],
      [0xfe534d42 | 0, "SMB"],
      [0x0bd00bd0, "Lustre"],
      [0x47504653, "GPFS"],
      [0x5346414f, "AFS"],
      [0xef53, undefined],
      [0x01021994, undefined],
    ] as const
  ) {
    it(`is ${name ?? "none"} for the type 0x${(type >>> 0).toString(16)}`, () => {
      assert.equal(networkFileSystem(tmpdir(), () => type), name);
    });
  }

  it("is that of the directory above, for what is still to be made", () => {
    const asked: string[] = [];
    const typeOf = (path: string) => {
      asked.push(path);
      return 0x6969;
    };
    assert.equal(networkFileSystem(join(tmpdir(), "not", "there"), typeOf), "NFS");
    assert.deepEqual(asked, [tmpdir()]);
  });

  it("is none where the system does not tell", () => {
    const typeOf = () => {
      throw new Error("ENOSYS");
    };
    assert.equal(networkFileSystem(tmpdir(), typeOf), undefined);
  });

  it("is none for what the kernel itself makes up", () => {
    assert.equal(networkFileSystem("/proc/self"), undefined);
  });
});
