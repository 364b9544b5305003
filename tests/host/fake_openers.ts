/**
 * Programs that do nothing but write down how they were called.
 *
 * @module
 */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Environment, Platform } from "../../lib/host/directories.ts";

/** A folder with two places for programs. */
export interface FakeOpeners {
  readonly folder: string;
  /** The one that is in `PATH`. */
  readonly bin: string;
  readonly other: string;
  /** What the programs write. */
  readonly log: string;
  /** Makes a program that writes down the number of its arguments and each of them, and then does what it is told. */
  fake(name: string, then?: string, place?: string): string;
  /** How one was called last; nothing when none was. */
  called(): string[] | undefined;
  /** A desktop whose `PATH` is `bin`. */
  surroundings(
    variables?: Record<string, string>,
    platform?: Platform,
  ): { readonly platform: Platform; readonly environment: Environment };
  /** Takes the programs and what they wrote away. */
  clear(): void;
  remove(): void;
}

/** Makes an empty one. */
export function fakeOpeners(): FakeOpeners {
  const folder = mkdtempSync(join(tmpdir(), "openers-"));
  const [bin, other, log] = ["bin", "other", "log"].map((name) => join(folder, name));
  const clear = (): void => {
    for (const place of [bin, other]) {
      rmSync(place, { recursive: true, force: true });
      mkdirSync(place);
    }
    rmSync(log, { force: true });
  };
  clear();
  return {
    folder,
    bin,
    other,
    log,
    fake(name, then = "", place = bin) {
      const path = join(place, name);
      const script = `#!/bin/sh\nprintf '%s\\n' "$#" "$@" > '${log}'\n${then}\n`;
      writeFileSync(path, script, { mode: 0o755 });
      return path;
    },
    called() {
      if (!existsSync(log)) return undefined;
      const [count, ...words] = readFileSync(log, "utf8").split("\n").slice(0, -1);
      assert.equal(words.length, Number(count), "an argument has a line end in it");
      return words;
    },
    surroundings(variables = {}, platform = "linux") {
      const all: Record<string, string> = { PATH: bin, DISPLAY: ":0", ...variables };
      return { platform, environment: (name) => all[name] || undefined };
    },
    clear,
    remove: () => rmSync(folder, { recursive: true }),
  };
}
