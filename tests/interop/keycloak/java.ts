/**
 * Finds the newest Java of this machine.
 *
 * @module
 */

import { execFile } from "node:child_process";
import { existsSync, readdirSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";

/** A Java. */
export interface Java {
  /** What `JAVA_HOME` is to be. */
  readonly home: string;
  readonly version: readonly number[];
}

/** What this release of Keycloak starts with. */
const OLDEST = 17;

/**
 * The newest one that there is.
 *
 * @throws when there is none that Keycloak can use; the message says so
 */
export async function newestJava(): Promise<Java> {
  const found = (await Promise.all([...new Set(candidates())].map(javaAt))).filter((java) =>
    java !== undefined
  );
  const [newest] = found.sort((one, other) => compare(other.version, one.version));
  if (newest === undefined) throw new Error("Cannot start Keycloak: Java is missing. Install a JDK");
  if (newest.version[0] >= OLDEST) return newest;
  throw new Error(
    `Cannot start Keycloak: Java ${newest.version.join(".")} is too old for it. Install a newer JDK`,
  );
}

/** Where distributions, their installers and people put it. */
function candidates(): string[] {
  const { JAVA_HOME, PATH = "" } = process.env;
  const onPath = PATH.split(delimiter).map((folder) => join(folder, "java")).filter((file) =>
    existsSync(file)
  );
  return [
    ...(JAVA_HOME ? [JAVA_HOME] : []),
    ...onPath.map((file) => dirname(dirname(realpathSync(file)))),
    ...within("/usr/lib/jvm"),
    ...within("/opt"),
    ...within("/Library/Java/JavaVirtualMachines").map((folder) => join(folder, "Contents/Home")),
    ...within(join(homedir(), ".sdkman/candidates/java")),
  ].filter((home) => existsSync(join(home, "bin/java"))).map((home) => realpathSync(home));
}

function within(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}

async function javaAt(home: string): Promise<Java | undefined> {
  try {
    const { stderr } = await promisify(execFile)(join(home, "bin/java"), ["-version"], { timeout: 30_000 });
    const version = readVersion(stderr);
    return version && { home, version };
  } catch {
    return undefined; // a broken one is none
  }
}

/** The version in what `java -version` says: `openjdk version "25.0.3" 2026-04-21 LTS`. */
export function readVersion(said: string): number[] | undefined {
  const text = /version "(\d+(?:\.\d+)*)/.exec(said)?.[1];
  if (text === undefined) return undefined;
  const numbers = text.split(".").map(Number);
  // 1.8.0 is Java 8
  return numbers[0] === 1 ? numbers.slice(1) : numbers;
}

function compare(one: readonly number[], other: readonly number[]): number {
  for (let at = 0; at < Math.max(one.length, other.length); at++) {
    const difference = (one[at] ?? 0) - (other[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
