/**
 * The unmodified liboidcagent of PyPI, and the Python file that our documentation shows.
 *
 * @module
 */

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { systemClock } from "../../lib/clock.ts";
import { acquireLock } from "../../lib/host/lock.ts";
import { root } from "../../scripts/toolchain.ts";
import { runProcess } from "../process.ts";

/** Installs the library, if it is not there. @returns what `PYTHONPATH` has to say */
export function installLiboidcagent(): Promise<string> {
  return installPython("liboidcagent", "0.6.0");
}

/** Installs a package of PyPI once for all tests. @returns what `PYTHONPATH` has to say */
export async function installPython(name: string, version: string): Promise<string> {
  const place = `${root}.cache/python/${name}-${version}`;
  const isThere = () => existsSync(`${place}/${name}/__init__.py`);
  if (isThere()) return place;
  mkdirSync(`${root}.cache/python`, { recursive: true });
  // several test files may come here at once, each in a process of its own
  const lock = await acquireLock(`${place}.lock`, { clock: systemClock, timeout: 600_000 });
  try {
    if (isThere()) return place;
    const making = `${place}.new`;
    for (const path of [making, place]) rmSync(path, { recursive: true, force: true });
    const { code, stderr } = await runProcess(
      "/usr/bin/python3",
      ["-m", "pip", "install", "--quiet", "--target", making, `${name}==${version}`],
      { timeout: 600_000 },
    );
    if (code !== 0) throw new Error(`Cannot install ${name}: ${stderr}`);
    // with its last name it is whole
    renameSync(making, place);
    return place;
  } finally {
    lock?.release();
  }
}

/** The Python file of `docs/python.md`. */
export function ownPython(): string {
  const text = readFileSync(`${root}docs/python.md`, "utf8");
  return /```python file=apex_token\.py\n([^]*?)```/.exec(text)![1];
}
