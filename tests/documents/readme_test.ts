/**
 * Every command that the README shows is run, with a real OpenID Provider in the place of APEx.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { type RunningProvider, SERVICE_SECRET, startProvider } from "../interop/oidc_provider.ts";
import { type ProcessResult, runCli, startCli } from "../process.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");
const tasks =
  (JSON.parse(readFileSync(join(root, "deno.json"), "utf8")) as { tasks: Record<string, unknown> }).tasks;

/** The lines after `$ ` in the README's console blocks. */
const commands = [...readme.matchAll(/```console\n([\s\S]*?)```/g)]
  .flatMap(([, block]) => block.split("\n"))
  .filter((line) => line.startsWith("$ "))
  .map((line) => line.slice(2));

describe("the README", () => {
  let provider: RunningProvider;
  let home: string;

  before(async () => {
    provider = await startProvider({ path: "/realms/apex", interval: 1 });
    home = await mkdtemp(join(tmpdir(), "apex-token-readme-"));
  });
  after(async () => {
    await provider.close();
    await rm(home, { recursive: true, force: true });
  });

  const run = (args: string[], env: Record<string, string> = {}): Promise<ProcessResult> =>
    runCli(args, { env: { HOME: home, ...env } });

  it("shows the two commands, and both are tasks", () => {
    const shown = [...readme.matchAll(/^npx -y deno@2\.9\.6 task (\w+)$/gm)].map(([, task]) => task);
    assert.deepEqual(shown, ["demo", "test"]);
    for (const [, task] of readme.matchAll(/deno task (\w+)/g)) assert.ok(tasks[task], task);
  });

  it("shows these commands and no other", () => {
    assert.deepEqual(commands, [
      "apex-token login apex --client-id project-a-catalogue-dev-api",
      "apex-token get apex",
      "apex-token get apex -o json",
      "apex-token get apex -o header | curl -H @- https://catalogue.example.apex.esa.int/collections",
      "export APEX_CLIENT_ID=my-service APEX_CLIENT_SECRET=…",
      "apex-token get",
      "apex-token inspect apex",
    ]);
  });

  it("signs in as it says", async () => {
    const args = [...words(commands[0]), "--issuer", provider.issuer, "--allow-insecure-loopback"];
    const login = startCli(args, { env: { HOME: home } });
    const [, page, userCode] = await login.waitFor("stderr", /^ {4}(\S+)\n\nand enter the code\s+(\S+)/m);
    await provider.approveDevice(page, { userCode });
    const { code, stderr } = await login.ended;
    assert.equal(code, 0, stderr);
    const [, shown] = /```console\n\$ apex-token login[^\n]*\n([\s\S]*?)```/.exec(readme)!;
    const isShown = (line: string) => stderr.includes(adapted(line, provider.issuer, userCode));
    for (const line of shown.split("\n").filter(Boolean)) assert.ok(isShown(line), `${line}\n\n${stderr}`);
  });

  it("prints the token in the forms that it shows", async () => {
    const { stdout } = await run(words(commands[1]));
    assert.match(stdout, /^eyJ[\w.-]+\n$/);
    const json = JSON.parse((await run(words(commands[2]))).stdout);
    const [, shown] = /\n(\{"format_version.*)\n/.exec(readme)!;
    assert.deepEqual(Object.keys(json), Object.keys(JSON.parse(shown)));
    assert.equal(json.access_token, stdout.trim());
    assert.equal((await run(words(commands[3].split(" |")[0]))).stdout, `Authorization: Bearer ${stdout}`);
  });

  it("serves a client from the environment", async () => {
    const env = {
      APEX_CLIENT_ID: "apex-service",
      APEX_CLIENT_SECRET: SERVICE_SECRET,
      APEX_ISSUER: provider.issuer,
    };
    const { stdout, stderr } = await run([...words(commands[5]), "--allow-insecure-loopback"], env);
    assert.match(stdout, /^eyJ[\w.-]+\n$/, stderr);
  });

  it("inspects the token as it says", async () => {
    const { stdout } = await run(words(commands[6]));
    assert.match(stdout, /^signature:\s+good: \S+ signed it$/m);
  });
});

/** The arguments of a command line that needs no shell. */
function words(line: string): string[] {
  return line.split(" ").slice(1);
}

/** A line of the README with what is different here: the server's name, its page, the code. */
function adapted(line: string, issuer: string, userCode: string): string {
  return line.replace("https://auth.apex.esa.int/realms/apex", issuer).replace("WDJB-MJHT", userCode)
    .replace("ESA APEx", new URL(issuer).host);
}
