/**
 * Whether a directory is on another machine's disk, where a lock that this machine's kernel keeps may mean nothing to
 * the next one.
 *
 * @module
 */

import { existsSync, statfsSync } from "node:fs";
import { dirname, resolve } from "node:path";

/** What Linux calls them (`statfs(2)`). */
const NETWORK: Readonly<Record<number, string>> = {
  0x6969: "NFS",
  0x517b: "SMB",
  0xfe534d42: "SMB",
  0xff534d42: "CIFS",
  0x0bd00bd0: "Lustre",
  0x47504653: "GPFS",
  0x5346414f: "AFS",
  0x6b414653: "AFS",
  0x19830326: "BeeGFS",
  0x00c36400: "Ceph",
  0x01021997: "9P",
};

/** Tells the type of the file system that a path is on. */
export type FileSystemType = (path: string) => number;

/**
 * The name of the network file system that `path` is on, or will be once it is made; nothing for a disk of this machine
 * and where the system does not tell.
 */
export function networkFileSystem(
  path: string,
  typeOf: FileSystemType = (there) => statfsSync(there).type,
): string | undefined {
  let there = resolve(path);
  while (!existsSync(there) && dirname(there) !== there) there = dirname(there);
  try {
    // some runtimes give the number with a sign
    return NETWORK[typeOf(there) >>> 0];
  } catch {
    return undefined;
  }
}
