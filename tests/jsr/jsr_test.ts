import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { version } from "../../lib/version.ts";
import { runCli } from "../process.ts";
import { type JsrMachine, startJsrMachine } from "./jsr.ts";
import { withNpmSpecifiers } from "./registry.ts";

describe("the package by its jsr: specifier", () => {
  let machine: JsrMachine;

  before(async () => {
    machine = await startJsrMachine();
  });

  after(() => machine.close());

  for (const specifier of ["jsr:@apex/token", "jsr:@apex/token/cli", `jsr:@apex/token@${version}`]) {
    it(`runs the command line as ${specifier}`, async () => {
      const local = await runCli(["--version"], { runtime: "deno" });
      const { code, stdout, stderr } = await machine.run(["--version"], { specifier });
      assert.equal(code, 0, stderr);
      assert.notEqual(stdout, "");
      assert.equal(stdout, local.stdout);
      assert.ok(machine.registry.requests.includes(`/@apex/token/${version}/cli.ts`));
    });
  }

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
