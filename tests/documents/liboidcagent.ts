/**
 * The unmodified liboidcagent of PyPI, and the Python file that our documentation shows.
 *
 * @module
 */

import { existsSync, readFileSync } from "node:fs";
import { root } from "../../scripts/toolchain.ts";
import { runProcess } from "../process.ts";

/** Where the library is put, once for all tests. */
const PLACE = `${root}.cache/python/liboidcagent-0.6.0`;

/** Installs the library, if it is not there. @returns what `PYTHONPATH` has to say */
export async function installLiboidcagent(): Promise<string> {
  if (existsSync(`${PLACE}/liboidcagent/__init__.py`)) return PLACE;
  const { code, stderr } = await runProcess(
    "/usr/bin/python3",
    ["-m", "pip", "install", "--quiet", "--target", PLACE, "liboidcagent==0.6.0"],
    { timeout: 180_000 },
  );
  if (code !== 0) throw new Error(`Cannot install liboidcagent: ${stderr}`);
  return PLACE;
}

/** The Python file of `docs/python.md`. */
export function ownPython(): string {
  const text = readFileSync(`${root}docs/python.md`, "utf8");
  return /```python file=apex_token\.py\n([^]*?)```/.exec(text)![1];
}
