import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { version } from "../../lib/version.ts";
import { root } from "../../scripts/toolchain.ts";
import { runCli, startDeno } from "../process.ts";
import { type JsrMachine, startJsrMachine } from "./jsr.ts";
import { withNpmSpecifiers } from "./registry.ts";

const { name, exports }: { name: string; exports: Record<string, string> } = JSON.parse(
  readFileSync(`${root}deno.json`, "utf8"),
);

/** The entries that a script imports; to import the command line is to run it. */
const libraries = Object.entries(exports).filter(([entry]) => entry !== "./cli");

const commands = [`jsr:${name}`, `jsr:${name}/cli`, `jsr:${name}@${version}`];

describe("the package by its jsr: specifier", () => {
  let machine: JsrMachine;

  before(async () => {
    machine = await startJsrMachine();
  });

  after(() => machine.close());

  it("is what the documents call by a jsr: specifier", () => {
    const documents = ["README.md", "docs/examples/deno_redis.ts"];
    const shown = documents.flatMap((path) =>
      readFileSync(root + path, "utf8").match(/jsr:[\w@/.-]*\w/g) ?? []
    );
    const known = [...commands, ...libraries.map(([entry]) => `jsr:${name}${entry.slice(1)}`)];
    assert.ok(shown.length > 1);
    for (const specifier of shown) assert.ok(known.includes(specifier), specifier);
  });

  for (const specifier of commands) {
    it(`runs the command line as ${specifier}`, async () => {
      const local = await runCli(["--version"], { runtime: "deno" });
      const { code, stdout, stderr } = await machine.run(["--version"], { specifier });
      assert.equal(code, 0, stderr);
      assert.notEqual(stdout, "");
      assert.equal(stdout, local.stdout);
      assert.ok(machine.registry.requests.includes(`/@apex/token/${version}/lib/cli/start.ts`));
    });
  }

  for (const [entry, path] of libraries) {
    const specifier = `jsr:${name}${entry.slice(1)}`;
    it(`gives a script what ${specifier} exports`, async () => {
      const source = `import * as it from "${specifier}"; console.log(Object.keys(it).sort().join(" "));`;
      const { code, stdout, stderr } = await machine.run([], {
        specifier: `data:text/typescript,${encodeURIComponent(source)}`,
      });
      assert.equal(code, 0, stderr);
      const local = Object.keys(await import(root + path)).sort();
      assert.ok(local.length > 0);
      assert.equal(stdout, `${local.join(" ")}\n`);
    });
  }

  it("gives the examples for Workers and edges their types", async () => {
    const folder = await mkdtemp(join(tmpdir(), "apex-token-jsr-types-"));
    try {
      for (const file of ["worker.ts", "edge_route.ts"]) {
        await cp(`${root}docs/examples/${file}`, join(folder, file));
      }
      const imports = { [name]: `jsr:${name}@^${version}` };
      await writeFile(join(folder, "deno.json"), JSON.stringify({ imports }));
      const env = { HOME: machine.home, DENO_DIR: join(machine.home, "deno"), ...machine.registry.env };
      const checking = startDeno(["check", "worker.ts", "edge_route.ts"], {
        cwd: folder,
        env,
        timeout: 600_000,
      });
      const { code, stderr } = await checking.ended;
      assert.equal(code, 0, stderr);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("gives a script the library, which loads what it depends on", async () => {
    const source = 'import * as token from "jsr:@apex/token"; console.log(typeof token.tokenSource);';
    const { code, stdout, stderr } = await machine.run([], {
      specifier: `data:text/typescript,${encodeURIComponent(source)}`,
    });
    assert.equal(code, 0, stderr);
    assert.equal(stdout, "function\n");
    assert.ok(machine.registry.requests.includes("/npm/oauth4webapi"), machine.registry.requests.join("\n"));
  });
});

it("rewrites bare specifiers as publishing does, and nothing else", () => {
  const imports = { "a": "npm:a@1.2.3", "@b/c": "npm:@b/c@4.5.6" };
  assert.equal(
    withNpmSpecifiers(
      `import "a"; import { x } from "a/sub.js"; import y from "@b/c/d"; import "./a"; import "ab"; f("a"); import("a")`,
      imports,
    ),
    `import "npm:a@1.2.3"; import { x } from "npm:a@1.2.3/sub.js"; import y from "npm:@b/c@4.5.6/d"; ` +
      `import "./a"; import "ab"; f("a"); import("npm:a@1.2.3")`,
  );
});
