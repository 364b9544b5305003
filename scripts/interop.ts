/**
 * Runs the command line and the SDK at a real Keycloak, the server behind APEx, with real browsers:
 * `deno task interop [--only deno|bun|node] [PART OF A TEST FILE'S PATH ...]`.
 *
 * Maven fetches Keycloak from wherever it is told to look; it is kept in the person's cache folder. The last line on
 * stdout is `N passed, N failed`.
 *
 * @module
 */

import { rmSync, writeFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { makeRealm } from "../tests/interop/keycloak/administration.ts";
import { startAuthenticationDevice } from "../tests/interop/keycloak/authentication_device.ts";
import { keycloakFolder } from "../tests/interop/keycloak/distribution.ts";
import { newestJava } from "../tests/interop/keycloak/java.ts";
import { type Place, VARIABLE } from "../tests/interop/keycloak/place.ts";
import { REALM, realm } from "../tests/interop/keycloak/realm.ts";
import { type RunningKeycloak, startKeycloak } from "../tests/interop/keycloak/server.ts";
import { trustingFetch } from "../tests/hostile/trusting_fetch.ts";
import { buildBinary } from "./build_binaries.ts";
import { carryOut } from "./carry_out.ts";
import { endAll, type Outcome, sources } from "./run.ts";
import { onBun, onDeno, onNode, type Runner, runTests } from "./runners.ts";

const folder = "tests/interop/keycloak";

const runners: Readonly<Record<string, Runner>> = { deno: onDeno, bun: onBun, node: onNode };

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    options: { only: { type: "string", multiple: true } },
    allowPositionals: true,
  });
  const chosen = Object.entries(runners).filter(([name]) => values.only?.includes(name) ?? true);
  const files = (await sources(folder)).filter((file) =>
    file.endsWith("_test.ts") &&
    (positionals.length === 0 || positionals.some((part) => file.includes(part)))
  );
  if (chosen.length === 0 || files.length === 0) throw new Error("There is nothing to run");
  const scratch = await mkdtemp(join(tmpdir(), "apex-token-interop-"));
  const ends: (() => Promise<void>)[] = [() => rm(scratch, { recursive: true, force: true })];
  const endEverything = async () => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      endAll();
      rmSync(scratch, { recursive: true, force: true });
      endEverything().finally(() => process.exit(130));
    });
  }
  try {
    const place = await makePlace(scratch, ends);
    await buildBinary();
    const env = { [VARIABLE]: place };
    const outcomes: Outcome[] = [];
    for (const [name, runner] of chosen) {
      outcomes.push(
        await carryOut(`Keycloak, tests on ${name}`, () => runTests(runner, files, scratch, env)),
      );
    }
    const sum = (count: "passed" | "failed") => outcomes.reduce((sum, outcome) => sum + outcome[count], 0);
    console.log(`${sum("passed")} passed, ${sum("failed")} failed`);
    return sum("failed") === 0 && sum("passed") > 0 ? 0 : 1;
  } finally {
    await endEverything();
  }
}

/** Starts everything and writes down where it is. */
async function makePlace(scratch: string, ends: (() => Promise<void>)[]): Promise<string> {
  const java = await newestJava();
  const folder = await keycloakFolder(java, (text) => console.log(text));
  const device = await startAuthenticationDevice();
  ends.push(device.close);
  const start = performance.now();
  const server = await startKeycloak({ folder, java, deviceUri: device.uri, scratch });
  ends.push(server.close);
  const place = await furnish(server);
  device.answerTo(place.issuer, trustingFetch(server.authority));
  const file = join(scratch, "place.json");
  writeFileSync(file, JSON.stringify(place), { mode: 0o600 });
  const version = (await readFile(join(folder, "version.txt"), "utf8")).trim();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${version} on Java ${java.version.join(".")} at ${place.issuer} (${seconds} s)`);
  return file;
}

async function furnish({ origin, admin, authority, authorityFile }: RunningKeycloak): Promise<Place> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const { privateKey } = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const { kty, crv, x, y, d } = await crypto.subtle.exportKey("jwk", privateKey);
  const publicKey = { kty: kty!, crv, x, y, kid: crypto.randomUUID(), alg: "ES256", use: "sig" };
  await makeRealm({ origin, admin }, trustingFetch(authority), realm({ publicKey }));
  return { issuer: `${origin}/realms/${REALM}`, authorityFile, admin, key: { ...publicKey, d } };
}

if (import.meta.main) {
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    console.log("0 passed, 1 failed");
    process.exitCode = 1;
  }
}
