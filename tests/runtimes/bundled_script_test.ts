import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { bun, deno, node } from "../../scripts/toolchain.ts";
import { runProcess } from "../process.ts";
import { bundle } from "./bundle.ts";
import { clientId, clientSecret, startTokenServer, type TokenServer } from "./token_server.ts";

const runtimes = [
  {
    name: "Deno",
    program: deno,
    args: ["run", "--allow-net", "--no-config", "--cached-only", "--no-prompt"],
  },
  { name: "Bun", program: bun, args: [] },
  { name: "Node", program: node, args: [] },
];

// mod.ts becomes the command line when it is the main module, and knows itself by its name: a user's bundle, which
// is a main module that holds mod.ts, may have the same name.
const variants = [
  { file: "script.mjs" },
  { file: "script.mjs", minify: true },
  { file: "mod.js" },
  { file: "mod.js", minify: true },
  { file: "mod.ts" },
];

describe("a user's script that imports mod.ts, bundled into one file", () => {
  let server: TokenServer;
  let folder: string;

  before(async () => {
    server = await startTokenServer();
    folder = await mkdtemp(join(tmpdir(), "apex-token-bundle-"));
    await writeFile(join(folder, "package.json"), '{"type":"module"}');
    // Where mod.ts would look for the command line.
    await mkdir(join(folder, "lib/cli"), { recursive: true });
    for (const name of ["cli", "lib/cli/fast_get", "lib/cli/start"]) {
      for (const ending of [".js", ".mjs", ".ts", ""]) {
        await writeFile(join(folder, name + ending), 'console.log("the command line was loaded");');
      }
    }
  });

  after(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  for (const { file, minify = false } of variants) {
    const what = `${file}${minify ? ", minified" : ""}`;
    it(`as ${what}: it holds no command line and prints a token on Deno, Bun and Node`, async () => {
      const path = join(folder, file);
      await bundleScript(path, { minify });
      for (const { name, program, args } of runtimes) await printsToken(name, program(), [...args, path]);
    });
  }

  it("as a CommonJS file on Node", async () => {
    const path = join(folder, "script.cjs");
    await bundleScript(path, { format: "cjs" });
    await printsToken("Node", node(), [path]);
  });

  async function bundleScript(outfile: string, options: { minify?: boolean; format?: "cjs" }): Promise<void> {
    const inputs = await bundle({
      entry: fileURLToPath(new URL("user_script.ts", import.meta.url)),
      outfile,
      define: { ISSUER: server.issuer, CLIENT_ID: clientId, CLIENT_SECRET: clientSecret },
      ...options,
    });
    assert.ok(inputs.some((input) => /(^|\/)mod\.ts$/.test(input)), inputs.join());
    // The command line and everything that only a workstation has.
    const foreign = inputs.filter((input) =>
      /(^|\/)cli\.ts$|(^|\/)lib\/(cli|agent|profile|host)\//.test(input)
    );
    assert.deepEqual(foreign, []);
  }

  async function printsToken(runtime: string, program: string, args: string[]): Promise<void> {
    const before = server.accessTokens.length;
    const { code, stdout, stderr } = await runProcess(program, args);
    assert.deepEqual({ runtime, code, stderr, stdout: stdout.trim() }, {
      runtime,
      code: 0,
      stderr: "",
      stdout: server.accessTokens[before] ?? "a token of the server",
    });
    assert.equal(server.tokenRequests.at(-1)?.get("scope"), "openid roles");
  }
});
