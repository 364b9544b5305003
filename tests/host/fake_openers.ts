/**
 * Programs that do nothing but write down how they were called.
 *
 * @module
 */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, systemClock } from "../../lib/clock.ts";
import type { Environment, Platform } from "../../lib/host/directories.ts";
import { writeProgram } from "../process.ts";

/** By its seconds, which are a hundred times as long as others, no opener takes long to end. */
export const patientClock: Clock = {
  ...systemClock,
  sleep: (milliseconds, signal) => systemClock.sleep(milliseconds * 100, signal),
};

/** A folder with two places for programs. */
export interface FakeOpeners {
  readonly folder: string;
  /** The one that is in `PATH`. */
  readonly bin: string;
  readonly other: string;
  /** What the programs write. */
  readonly log: string;
  /**
   * Makes a program that writes down the number of its arguments and each of them, or other words of a shell, and then
   * does what it is told.
   */
  fake(name: string, then?: string, place?: string, words?: string): string;
  /** How one was called last; nothing when none was. */
  called(): string[] | undefined;
  /** The same of a program for which nobody has waited. */
  whenCalled(): Promise<string[]>;
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
  const called = (): string[] | undefined => {
    if (!existsSync(log)) return undefined;
    const [count, ...words] = readFileSync(log, "utf8").split("\n").slice(0, -1);
    assert.equal(words.length, Number(count), "an argument has a line end in it");
    return words;
  };
  clear();
  return {
    folder,
    bin,
    other,
    log,
    fake(name, then = "", place = bin, words = '"$#" "$@"') {
      const path = join(place, name);
      const written = `printf '%s\\n' ${words} > '${log}.new'; /bin/mv '${log}.new' '${log}'`;
      writeProgram(path, `#!/bin/sh\n${written}\n${then}\n`);
      return path;
    },
    called,
    async whenCalled() {
      while (!existsSync(log)) await new Promise((resolve) => setTimeout(resolve, 5));
      return called()!;
    },
    surroundings(variables = {}, platform = "linux") {
      const all: Record<string, string> = { PATH: bin, DISPLAY: ":0", ...variables };
      return { platform, environment: (name) => all[name] || undefined };
    },
    clear,
    remove: () => rmSync(folder, { recursive: true }),
  };
}
