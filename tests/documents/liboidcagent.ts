/**
 * The unmodified liboidcagent of PyPI, and the Python file that our documentation shows.
 *
 * @module
 */

import { existsSync, readFileSync } from "node:fs";
import { root } from "../../scripts/toolchain.ts";
import { runProcess } from "../process.ts";

/** Installs the library, if it is not there. @returns what `PYTHONPATH` has to say */
export function installLiboidcagent(): Promise<string> {
  return installPython("liboidcagent", "0.6.0");
}

/** Installs a package of PyPI once for all tests. @returns what `PYTHONPATH` has to say */
export async function installPython(name: string, version: string): Promise<string> {
  const place = `${root}.cache/python/${name}-${version}`;
  if (existsSync(`${place}/${name}/__init__.py`)) return place;
  const { code, stderr } = await runProcess(
    "/usr/bin/python3",
    ["-m", "pip", "install", "--quiet", "--target", place, `${name}==${version}`],
    { timeout: 180_000 },
  );
  if (code !== 0) throw new Error(`Cannot install ${name}: ${stderr}`);
  return place;
}

/** The Python file of `docs/python.md`. */
export function ownPython(): string {
  const text = readFileSync(`${root}docs/python.md`, "utf8");
  return /```python file=apex_token\.py\n([^]*?)```/.exec(text)![1];
}
