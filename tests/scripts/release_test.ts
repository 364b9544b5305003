/**
 * What is shipped: the archives, the shell installer, the Debian package, the bill of materials.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { version } from "../../lib/version.ts";
import { compile } from "../../scripts/compile.ts";
import { type ArchiveFile, tarGz, zip } from "../../scripts/release/archive.ts";
import { companions } from "../../scripts/release/contents.ts";
import { debianPackage } from "../../scripts/release/debian_package.ts";
import { PERMISSIONS } from "../../scripts/release/deno_compile.ts";
import { installer } from "../../scripts/release/installer.ts";
import { billOfMaterials } from "../../scripts/release/sbom.ts";
import { starterOf, startProgram } from "../../scripts/release/start.ts";
import { BUN_VERSION, targets } from "../../scripts/release/targets.ts";
import { bun, root } from "../../scripts/toolchain.ts";
import { freshBinary } from "../cli/binary.ts";
import { PASSWORD_USER, startProvider } from "../interop/oidc_provider.ts";
import { runProcess, startDeno } from "../process.ts";
import { sources } from "../../scripts/run.ts";
import { importsOf } from "../source_text.ts";

const scratch = mkdtempSync(join(tmpdir(), "apex-token-release-"));
let files: ArchiveFile[];

before(async () => {
  const program = { path: "bin/apex-token", bytes: readFileSync(await freshBinary()), isProgram: true };
  files = [program, ...await companions(await billOfMaterials(version))];
});
after(() => rmSync(scratch, { recursive: true, force: true }));

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

async function succeed(program: string, args: readonly string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await runProcess(program, args, { env, timeout: 600_000 });
  assert.equal(code, 0, stderr + stdout);
  return stdout;
}

describe("a build", () => {
  it("gives the same bytes each time, and the same as deno task build", async () => {
    const built = [];
    for (const turn of ["one", "other"]) {
      mkdirSync(join(scratch, turn));
      await compile(join(scratch, turn, "apex-token"));
      built.push(sha256(readFileSync(join(scratch, turn, "apex-token"))));
    }
    assert.equal(built[0], built[1]);
    assert.equal(built[0], sha256(files[0].bytes));
    // what is shipped for this kind of machine is what the tests of the command line have run
    mkdirSync(join(scratch, "shipped"));
    const shipped = join(scratch, "shipped/apex-token");
    await compile(shipped, ["--target=bun-linux-x64", `--compile-executable-path=${bun()}`]);
    assert.equal(sha256(readFileSync(shipped)), built[0]);
  });

  it("is started where this machine can, and has to bring a token", async () => {
    const target = targets.find((target) => starterOf(target)?.length === 0)!;
    assert.equal(
      await startProgram(target, await freshBinary()),
      `${target.name} was started and brought a token`,
    );
    await assert.rejects(startProgram(target, "/bin/true"), /Cannot release \S+: it brings no token/);
    assert.deepEqual(starterOf({ name: "linux-arm64" })?.slice(1), ["-L", "/usr/aarch64-linux-gnu"]);
    const foreign = targets.find(({ name }) => name === "windows-arm64")!;
    assert.match(await startProgram(foreign, "/bin/true"), /^windows-arm64 was not started: /);
  });

  it("puts the Bun of the tests into the program of every machine", () => {
    const { imports } = JSON.parse(readFileSync(`${root}deno.json`, "utf8"));
    assert.equal(imports["@oven/bun-linux-x64"], `npm:@oven/bun-linux-x64@${BUN_VERSION}`);
    const { npm } = JSON.parse(readFileSync(`${root}deno.lock`, "utf8"));
    const linux = targets.find(({ name }) => name === "linux-x64")!;
    assert.equal(linux.integrity, npm[`@oven/bun-linux-x64@${BUN_VERSION}`].integrity);
    assert.equal(new Set(targets.map(({ integrity }) => integrity)).size, targets.length);
  });

  it("by Deno says what it needs where there is no network", async () => {
    // nobody answers at the proxy, and nothing has been fetched before
    const env = { DENO_DIR: join(scratch, "deno-cache"), HTTPS_PROXY: "http://127.0.0.1:1" };
    const building = startDeno(["run", "-A", `${root}scripts/build_binaries.ts`, "--deno"], { env });
    const { code, stdout, stderr } = await building.ended;
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^Cannot build with deno compile: .* needs Deno's runtime archive \(denort\) once/m);
  });

  it("by Deno needs no more than the permissions that it is given", async () => {
    const provider = await startProvider({ interval: 1 });
    const home = join(scratch, "deno-home");
    mkdirSync(home);
    const run = async (args: string[], stdin?: string) => {
      const words = ["run", "--cached-only", ...PERMISSIONS, `${root}cli.ts`, ...args];
      const { code, stdout, stderr } = await startDeno(words, { env: { HOME: home }, stdin }).ended;
      assert.equal(code, 0, stderr);
      return stdout;
    };
    try {
      const person = [
        "--client-id",
        "password-client",
        "--flow",
        "password",
        "--username",
        PASSWORD_USER.username,
      ];
      const there = ["--issuer", provider.issuer, "--allow-insecure-loopback", "--password-file", "-"];
      await run(["login", "x", ...there, ...person], PASSWORD_USER.password);
      const token = await run(["get", "x"]);
      assert.notEqual(await run(["get", "x", "--force"]), token);
      assert.match(await run(["list"]), /^\* x /);
    } finally {
      await provider.close();
    }
  });
});

describe("the archives", () => {
  const small: ArchiveFile[] = [
    { path: "a/bin/program", bytes: new TextEncoder().encode("#!/bin/sh\necho it runs\n"), isProgram: true },
    { path: "a/share/empty", bytes: new Uint8Array() },
    { path: "a/share/text", bytes: new TextEncoder().encode("text\n".repeat(2000)) },
  ];

  it("are unpacked by tar and unzip, with programs that run", async () => {
    for (const [name, bytes] of [["a.tar.gz", tarGz(small)], ["a.zip", zip(small)]] as const) {
      const folder = join(scratch, name.replaceAll(".", "-"));
      mkdirSync(folder);
      writeFileSync(join(folder, name), bytes);
      if (name.endsWith(".zip")) await succeed("unzip", ["-q", join(folder, name), "-d", folder]);
      else await succeed("tar", ["-xzf", join(folder, name), "-C", folder]);
      assert.equal(await succeed(join(folder, "a/bin/program"), []), "it runs\n");
      assert.equal(readFileSync(join(folder, "a/share/text"), "utf8"), "text\n".repeat(2000));
      assert.equal(statSync(join(folder, "a/share/empty")).size, 0);
    }
  });

  it("are the same bytes each time", () => {
    assert.equal(sha256(tarGz(small)), sha256(tarGz(small)));
    assert.equal(sha256(zip(small)), sha256(zip(small)));
  });
});

describe("the shell installer", () => {
  const folder = join(scratch, "download");
  const name = `apex-token-${version}-linux-x64`;
  const archive = join(folder, `${name}.tar.gz`);

  before(() => {
    mkdirSync(folder);
    const bytes = tarGz(files.map((file) => ({ ...file, path: `${name}/${file.path}` })));
    writeFileSync(archive, bytes);
    writeFileSync(
      join(folder, "install.sh"),
      installer(version, new Map([[`${name}.tar.gz`, sha256(bytes)]]), files.map(({ path }) => path)),
    );
  });

  const install = (...args: string[]) =>
    runProcess("sh", [join(folder, "install.sh"), ...args], { timeout: 600_000 });

  it("installs a program that runs, its manual and its completions", async () => {
    const prefix = join(scratch, "prefix with a blank");
    const { code, stderr } = await install("--prefix", prefix);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /Put it on your PATH/);
    assert.equal(await succeed(join(prefix, "bin/apex-token"), ["--version"]), `${version}\n`);
    const page = await succeed("man", ["-M", join(prefix, "share/man"), "apex-token-get"], {
      LC_ALL: "C.UTF-8",
    });
    assert.match(page, /print a valid token/);
    for (const file of files) assert.ok(existsSync(join(prefix, file.path)), file.path);
  });

  it("takes away what it has installed, nothing else, and says where there is nothing", async () => {
    const prefix = join(scratch, "prefix to remove");
    assert.equal((await install("--prefix", prefix)).code, 0);
    writeFileSync(join(prefix, "share/man/man1/other.1"), "");
    const { code, stdout, stderr } = await install("--remove", "--prefix", prefix);
    assert.deepEqual([code, stdout], [0, ""], stderr);
    const left = readdirSync(prefix, { recursive: true, withFileTypes: true });
    assert.deepEqual(left.filter((entry) => !entry.isDirectory()).map(({ name }) => name), ["other.1"]);
    assert.deepEqual(left.filter(({ name }) => name === "apex-token"), [], "nor a folder of its own");
    const again = await install("--remove", "--prefix", prefix);
    assert.deepEqual([again.code, again.stderr], [
      1,
      `install.sh: there is no apex-token in ${prefix}/bin\n`,
    ]);
  });

  it("installs into a scratch root from which the completion of bash works", async () => {
    const prefix = join(scratch, "for-bash");
    assert.equal((await install("--prefix", prefix, "--from", folder)).code, 0);
    const script =
      `PATH="${prefix}/bin:$PATH"; source "${prefix}/share/bash-completion/completions/apex-token"; ` +
      "COMP_WORDS=(apex-token logo); COMP_CWORD=1; _apex_token; echo ${COMPREPLY[@]}";
    assert.equal(await succeed("bash", ["--norc", "-c", script]), "logout\n");
  });

  it("installs nothing when the archive is another one, is missing or comes in the clear", async () => {
    const prefix = join(scratch, "nothing");
    appendFileSync(archive, "x");
    const changed = await install("--prefix", prefix);
    assert.match(changed.stderr, /is not the one that was released: its SHA-256 is [0-9a-f]{64}, not /);
    const missing = await install("--prefix", prefix, "--from", scratch);
    const clear = await install("--prefix", prefix, "--from", "http://127.0.0.1:1/");
    assert.match(clear.stderr, /only https/);
    for (const { code } of [changed, missing, clear]) assert.equal(code, 1);
    assert.ok(!existsSync(prefix));
  });
});

describe("the Debian package", () => {
  it("is installed and removed by dpkg, and is the same bytes each time", async () => {
    const [path, again] = ["one.deb", "other.deb"].map((name) => join(scratch, name));
    for (const to of [path, again]) await debianPackage({ version, architecture: "amd64", files, path: to });
    assert.equal(sha256(readFileSync(path)), sha256(readFileSync(again)));
    assert.equal(await succeed("dpkg-deb", ["-f", path, "Maintainer"]), "The authors of @apex/token\n");
    const system = join(scratch, "system");
    for (const folder of ["info", "updates"]) {
      mkdirSync(join(system, "var/lib/dpkg", folder), { recursive: true });
    }
    writeFileSync(join(system, "var/lib/dpkg/status"), "");
    // the C library of this machine is not in there
    const dpkg = [
      "dpkg",
      `--root=${system}`,
      "--force-depends",
      "--force-not-root",
      "--force-unsafe-io",
      "--log=/dev/null",
    ];
    const { code, stderr } = await runProcess("fakeroot", [...dpkg, "-i", path], { timeout: 600_000 });
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, /maintainer|parsing file/i);
    assert.equal(await succeed(join(system, "usr/bin/apex-token"), ["--version"]), `${version}\n`);
    assert.ok(existsSync(join(system, "usr/share/man/man1/apex-token.1.gz")));
    await succeed("fakeroot", [...dpkg, "-r", "apex-token"]);
    assert.ok(!existsSync(join(system, "usr/bin/apex-token")));
  });
});

/** The packages that the program's sources import. */
async function foreignImports(): Promise<Set<string>> {
  const found = new Set<string>();
  for (const file of ["cli.ts", ...await sources("lib")]) {
    for (const { specifier } of importsOf(readFileSync(root + file, "utf8"))) {
      const name = /^(?![.]|\w+:)(?:@[^/]+\/)?[^/]+/.exec(specifier ?? "")?.[0];
      if (name !== undefined) found.add(name);
    }
  }
  return found;
}

describe("the bill of materials", () => {
  it("names what is in the program, with versions, checksums and licences, and nothing that only tests need", async () => {
    const text = await billOfMaterials(version);
    assert.equal(await billOfMaterials(version), text);
    const { bomFormat, specVersion, components, dependencies } = JSON.parse(text);
    assert.deepEqual([bomFormat, specVersion], ["CycloneDX", "1.6"]);
    const names: string[] = components.map(({ name }: { name: string }) => name);
    for (const name of ["oauth4webapi", "valibot", "commander", "uqr"]) assert.ok(names.includes(name), name);
    for (const name of ["oidc-provider", "playwright-core", "esbuild", "jose"]) {
      assert.ok(!names.includes(name), name);
    }
    for (const target of targets) assert.ok(names.includes(target.package));
    for (const { hashes } of components) assert.match(hashes[0].content, /^[0-9a-f]{128}$/);
    // what the sources import, by themselves: none of these packages needs another one
    const ours = names.filter((name) => !name.startsWith("@oven/"));
    assert.deepEqual(ours.sort(), [...await foreignImports()].sort());
    const { imports } = JSON.parse(readFileSync(`${root}deno.json`, "utf8"));
    for (const { name, version, licenses } of components) {
      assert.match(licenses[0].license.id, /^(?:MIT|ISC|Apache-2\.0|BSD-[23]-Clause)$/, name);
      if (!name.startsWith("@oven/")) assert.equal(imports[name], `npm:${name}@${version}`);
    }
    const notices = new TextDecoder().decode(
      files.find(({ path }) => path === "share/doc/apex-token/THIRD_PARTY_LICENSES.txt")?.bytes,
    );
    for (const name of ours) assert.match(notices, new RegExp(`^${name} \\d`, "m"));
    assert.match(notices, new RegExp(`^Bun ${BUN_VERSION.replaceAll(".", "\\.")}, `, "m"));
    assert.ok(notices.match(/Permission is hereby granted/g)!.length >= ours.length - 1);
    const references = new Set(components.map((one: { "bom-ref": string }) => one["bom-ref"]));
    for (const { dependsOn } of dependencies) {
      for (const one of dependsOn) assert.ok(references.has(one), one);
    }
  });
});
