/**
 * Reads what a program keeps on the disk.
 *
 * @module
 */

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";

/**
 * Everything in the files under `folder`, while the program that writes them stands still: a database that it closes
 * meanwhile would take files away between the listing and the reading.
 *
 * @param pid of the program
 */
export async function quietFiles(folder: string, pid: number): Promise<Uint8Array[]> {
  process.kill(pid, "SIGSTOP");
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const paths = entries.filter((entry) => entry.isFile()).map((entry) =>
      join(entry.parentPath, entry.name)
    );
    return await Promise.all(paths.map((path) => readFile(path)));
  } finally {
    process.kill(pid, "SIGCONT");
  }
}
