/**
 * Keycloak as its makers publish it: fetched by Maven from wherever Maven is told to look, checked, unpacked and prepared
 * once, outside of the checkout.
 *
 * @module
 */

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import type { Java } from "./java.ts";

/** The release. */
export const KEYCLOAK_VERSION = "26.7.3";

/** The SHA-256 of its archive. */
const CHECKSUM = "27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f";

const COORDINATES = `org.keycloak:keycloak-quarkus-dist:${KEYCLOAK_VERSION}:zip`;
const COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy";
const FOLDER = `keycloak-${KEYCLOAK_VERSION}`;

/** What is fixed when Keycloak is prepared; everything else is as its makers ship it. */
const BUILD_OPTIONS = ["--db=dev-mem"];

/**
 * The folder of a Keycloak that is ready to be started. The first time takes a minute.
 *
 * @throws when Maven is missing or finds nothing, or when the archive is not the one that is expected
 */
export async function keycloakFolder(java: Java, say: (text: string) => void): Promise<string> {
  const caches = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const cache = join(caches, "apex-token-tests");
  const ready = join(cache, `${FOLDER}-${CHECKSUM.slice(0, 8)}`);
  if (existsSync(ready)) return ready;
  await mkdir(cache, { recursive: true });
  const scratch = await mkdtemp(join(cache, "unfinished-"));
  try {
    say(`Fetching ${COORDINATES} with Maven …`);
    await fetchArchive(scratch);
    const archive = join(scratch, `keycloak-quarkus-dist-${KEYCLOAK_VERSION}.zip`);
    await verify(archive);
    say("Unpacking and preparing it …");
    await call("unzip", ["-q", archive, "-d", scratch], scratch, "unzip is missing");
    await call(
      "sh",
      [join(scratch, FOLDER, "bin/kc.sh"), "build", ...BUILD_OPTIONS],
      scratch,
      "sh is missing",
      {
        JAVA_HOME: java.home,
      },
    );
    // Another run may have been quicker.
    await rename(join(scratch, FOLDER), ready).catch((error) => {
      if (!existsSync(ready)) throw error;
    });
    return ready;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function fetchArchive(folder: string): Promise<void> {
  const options = [`-Dartifact=${COORDINATES}`, `-DoutputDirectory=${folder}`, "-Dmdep.useBaseVersion=true"];
  await call("mvn", ["-B", "-q", COPY, ...options], folder, "Maven (mvn) is missing. Install it");
}

async function verify(archive: string): Promise<void> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(archive)) hash.update(chunk);
  const checksum = hash.digest("hex");
  if (checksum === CHECKSUM) return;
  throw new Error(`Cannot use ${COORDINATES}: its SHA-256 is ${checksum}, and ${CHECKSUM} is expected`);
}

async function call(
  program: string,
  args: string[],
  cwd: string,
  missing: string,
  env: Record<string, string> = {},
): Promise<void> {
  try {
    // the person's environment: Maven's settings, proxies and certificates are theirs
    const options = { cwd, env: { ...process.env, ...env }, timeout: 600_000, maxBuffer: 1 << 26 };
    await promisify(execFile)(program, args, options);
  } catch (error) {
    const { code, stdout = "", stderr = "" } = error as { code?: unknown; stdout?: string; stderr?: string };
    if (code === "ENOENT") throw new Error(`Cannot get Keycloak: ${missing}`);
    const said = (stdout + stderr).trim().split("\n").slice(-12).join("\n") || (error as Error).message;
    throw new Error(`Cannot get Keycloak: ${program} failed:\n${said}`);
  }
}
