import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { root } from "../scripts/toolchain.ts";
import { complaintsAbout, complaintsAboutDependencies, skippedTestsIn } from "./architecture.ts";
import { importsOf } from "./source_text.ts";

/** Packages in deno.lock that bring an install script and work without it; Deno does not run it. */
const withoutTheirScript = [
  "esbuild", // the script only replaces its launcher; the program comes in its platform package
];

const read = (path: string) => readFileSync(root + path, "utf8");
const packageFiles = [...["mod.ts", "cli.ts"].filter((path) => existsSync(root + path)), ...sourcesIn("lib")];
const otherFiles = [...sourcesIn("tests"), ...sourcesIn("scripts")];

describe("the house", () => {
  it("has arrows that only go up, and Web standards alone above the line", () => {
    assert.ok(packageFiles.length > 4);
    assert.deepEqual(packageFiles.flatMap((path) => complaintsAbout(path, read(path))), []);
  });

  it("imports nothing by a jsr: or https: specifier, tests and scripts included", () => {
    const remote = otherFiles.flatMap((path) =>
      importsOf(read(path)).filter(({ specifier }) => /^(?:jsr|https?):/.test(specifier ?? "")).map(() =>
        path
      )
    );
    assert.deepEqual(remote, []);
  });

  it("pins every dependency exactly, and none needs an install script", () => {
    const complaints = complaintsAboutDependencies(
      JSON.parse(read("deno.json")),
      JSON.parse(read("deno.lock")),
      withoutTheirScript,
    );
    assert.deepEqual(complaints, []);
  });

  it("has no package.json in its root", () => {
    assert.equal(existsSync(`${root}package.json`), false);
  });

  it("leaves no test out", () => {
    const skipped = sourcesIn("tests").filter((path) => path.endsWith("_test.ts"))
      .flatMap((path) => skippedTestsIn(path, read(path)));
    assert.deepEqual(skipped, []);
  });
});

describe("the rules of the house", () => {
  const complaint = (path: string, source: string) => complaintsAbout(path, source).join("\n");

  it("let an arrow go up, sideways and inside a room", () => {
    const source = `
import { TokenError } from "../errors.ts";
import type { Clock } from "../clock.ts";
import { other } from "./other.ts";
import { discover } from "../oauth/issuer.ts";
import { server } from "../testing/server.ts";
import * as oauth from "oauth4webapi";
`;
    assert.equal(complaint("lib/session/token_source.ts", source), "");
    assert.equal(complaint("lib/host/files.ts", `import fs from "node:fs";\n${source}process.exit();`), "");
    assert.equal(complaint("cli.ts", 'import { run } from "./lib/cli/run.ts";'), "");
  });

  const offences: [path: string, source: string, expected: RegExp][] = [
    [
      "lib/http/client.ts",
      'import { a } from "../oauth/client.ts";',
      /^lib\/http\/client.ts:1 .*arrow downwards/,
    ],
    ["lib/oauth/dpop.ts", '\n\nexport * from "../session/a.ts";', /^lib\/oauth\/dpop.ts:3 .*arrow downwards/],
    ["lib/profile/plan.ts", 'const a = await import("../cli/get.ts");', /arrow downwards/],
    [
      "lib/session/a.ts",
      'type A = import("../host/a.ts").A;',
      /arrow downwards.*\n.*does not run everywhere/,
    ],
    ["lib/errors.ts", 'import { a } from "../mod.ts";', /arrow downwards/],
    ["mod.ts", 'export { a } from "./lib/profile/a.ts";', /does not run everywhere/],
    ["mod.ts", 'export { run } from "./cli.ts";', /does not run everywhere/],
    ["lib/cli/get.ts", 'import { a } from "../../tests/process.ts";', /no file of the package/],
    ["lib/kitchen/a.ts", "", /does not know/],
    ["lib/cli/get.ts", 'import { a } from "../kitchen/a.ts";', /no file of the package/],
    ["lib/oauth/a.ts", 'import { a } from "node:crypto";', /imports node:crypto/],
    ["lib/oauth/a.ts", 'import { Command } from "commander";', /imports commander/],
    ["lib/cli/a.ts", 'import { a } from "jsr:@std/cli";', /imports jsr:@std\/cli/],
    ["lib/cli/a.ts", "const a = await import(name);", /only the running program knows/],
    ["lib/store/a.ts", "const a = Deno.openKv();", /mentions Deno/],
    ["lib/store/a.ts", "const a = globalThis.Bun?.file;", /mentions globalThis.Bun/],
    ["lib/http/a.ts", "const a = process.env.HOME;", /mentions process/],
    ["lib/http/a.ts", 'const a = `${process["env"]}`;', /mentions process/],
    ["lib/http/a.ts", "const a = Buffer.from(b);", /mentions Buffer/],
    ["lib/http/a.ts", 'const a = require("x");', /mentions require/],
    ["lib/http/a.ts", "const a = import.meta.env.X;", /mentions import.meta.env/],
    ["lib/http/a.ts", 'const a = getBuiltinModule("node:fs");', /mentions node:fs/],
    ["lib/http/a.ts", '/// <reference types="bun-types" />\n', /foreign types/],
    ["lib/cli/a.ts", "const a = 1;\n".repeat(401), /401 lines/],
  ];
  for (const [path, source, expected] of offences) {
    it(`complain about ${JSON.stringify(source.trim().slice(0, 60))} in ${path}`, () => {
      assert.match(complaint(path, source), expected);
    });
  }

  it("do not mind words in comments, strings and longer names", () => {
    const source = `
// Deno, Bun, process.env and Buffer, by require("x")
const a = "Deno.serve and process.env", b = /Bun|process\\.env/, c = new ArrayBuffer(1), d = DenoKv;
const { process } = steps, e = names.Bun, f = preprocess.step, g = import.meta.url;
`;
    assert.equal(complaint("lib/store/a.ts", source), "");
  });

  it("let mod.ts alone hand over to a module that no bundler sees", () => {
    const handOver = "if ((import.meta as { main?: boolean }).main) import(/* @vite-ignore */ cli);";
    assert.equal(complaint("mod.ts", handOver), "");
    assert.match(complaint("lib/oauth/client.ts", handOver), /only the running program knows/);
  });

  it("complain about loose, renamed and remote dependencies and about install scripts", () => {
    const imports = {
      exact: "npm:exact@1.2.3",
      "@a/exact": "npm:@a/exact@1.2.3-rc.1",
      loose: "npm:loose@^1.2.3",
      renamed: "npm:other@1.2.3",
      std: "jsr:@std/cli@1.0.0",
    };
    const lock = {
      jsr: {},
      npm: { "esbuild@0.1.0": { scripts: true }, "@a/b@1.0.0": { scripts: true }, "c@1.0.0": {} },
    };
    const complaints = complaintsAboutDependencies({ imports }, lock, ["esbuild"]);
    assert.deepEqual(
      complaints.map((complaint) => complaint.split(" ").slice(0, 2).join(" ")),
      ["deno.json: loose", "deno.json: renamed", "deno.json: std", "deno.lock: has", "deno.lock: @a/b@1.0.0"],
    );
  });

  it("complain about a test that is left out", () => {
    for (
      const bad of [
        "it.skip('a', f)",
        "describe.only('a', f)",
        "it.todo('a')",
        "t.skip()",
        "it('a', { skip: x }, f)",
      ]
    ) {
      assert.equal(skippedTestsIn("a_test.ts", `import x;\n${bad};`).length, 1, bad);
    }
    assert.deepEqual(skippedTestsIn("a_test.ts", "it('does not skip: a', () => list.only);"), []);
  });
});

function sourcesIn(folder: string): string[] {
  return readdirSync(root + folder, { recursive: true, encoding: "utf8" })
    .map((path) => `${folder}/${path.replaceAll("\\", "/")}`)
    .filter((path) => path.endsWith(".ts"))
    .sort();
}
