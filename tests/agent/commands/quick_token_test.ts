import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Server } from "node:net";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import type { AgentReply, AgentRequest } from "../../../lib/agent/requests.ts";
import { serveAgent } from "../../../lib/agent/server.ts";
import { root } from "../../../scripts/toolchain.ts";
import { type CliRuntime, runCli } from "../../process.ts";
import { importsOf } from "../../source_text.ts";
import { type AccountMachine, accountMachine } from "../account_machine.ts";

const TOKEN: AgentReply = {
  status: "success",
  access_token: "ey.a.b",
  issuer: "https://op.test/",
  expires_at: 1_900_000_000,
};

describe("oidc-token on Bun, by its quick way", () => {
  let machine: AccountMachine;
  let server: Server;
  let socket: string;
  let seen: AgentRequest[];
  let reply: AgentReply;
  before(async () => {
    machine = accountMachine();
    socket = join(machine.home, "agent.sock");
    const answer = (request: AgentRequest) => {
      seen.push(request);
      return Promise.resolve(reply);
    };
    server = serveAgent({ answer, permits: () => true });
    await new Promise<void>((done) => server.listen(socket, done));
  });
  after(() => {
    server.close();
    machine.close();
  });
  beforeEach(() => {
    reply = TOKEN;
  });

  async function run(runtime: CliRuntime, args: readonly string[], env: Record<string, string> = {}) {
    const { code, stdout, stderr } = await runCli(["oidc-token", ...args], {
      runtime,
      env: {
        HOME: machine.home,
        OIDC_SOCK: socket,
        APEX_TOKEN_OIDC_AGENT_ETC: join(machine.home, "etc"),
        ...env,
      },
    });
    return { code, stdout, stderr };
  }

  /** What both ways do, and that they asked for the same. */
  async function alike(args: readonly string[], env?: Record<string, string>) {
    seen = [];
    const quick = await run("bun", args, env);
    const asked = seen;
    seen = [];
    assert.deepEqual(quick, await run("node", args, env), args.join(" "));
    assert.deepEqual(asked, seen, args.join(" "));
    return { ...quick, asked };
  }

  it("prints what is asked for, of one answer", async () => {
    const lines: [string[], string][] = [
      [["demo"], "ey.a.b\n"],
      [
        ["-c", "demo"],
        "OIDC_AT=ey.a.b; export OIDC_AT;\nOIDC_ISS=https://op.test/; export OIDC_ISS;\n" +
        "OIDC_EXP=1900000000; export OIDC_EXP;\n",
      ],
      [["demo", "-e", "MINE"], "MINE=1900000000; export MINE;\n"],
      [["--auth-h", "demo"], "Authorization: Bearer ey.a.b"],
    ];
    for (const [args, stdout] of lines) {
      seen = [];
      assert.deepEqual(await run("bun", args), { code: 0, stdout, stderr: "" });
      assert.equal(seen.length, 1);
    }
  });

  it("asks for what the slow way asks for", async () => {
    const words = ["-t", "60", "-s", "a b", "-s", "c", "--aud", "https://api.test/ü", "--name=mine"];
    const { stdout, asked } = await alike([...words, "https://op.test/"]);
    assert.deepEqual([stdout, asked.length, asked[0].scope], ["ey.a.b\n", 1, "a b c"]);
    assert.equal((await alike(["-f", "demo"])).asked[0].min_valid_period, -1);
  });

  it("says what the agent says, and asks no second time", async () => {
    const info = "Load it first:\n\t$ oidc-add demo";
    const failures: AgentReply[] = [
      { status: "failure", error: "account not loaded", info },
      { ...TOKEN, access_token: "ey\u001b[31m" },
    ];
    for (reply of failures) {
      const { code, stdout, asked } = await alike(["demo"]);
      assert.deepEqual([code, stdout, asked.length], [1, "", 1]);
    }
  });

  it("leaves what makes no sense, and other tokens, to the slow way", async () => {
    for (const args of [["a", "b"], ["-t", "x", "demo"]]) {
      assert.deepEqual((await alike(args)).asked, [], args.join(" "));
    }
    reply = { status: "success", id_token: "ey.i.d" };
    assert.equal((await alike(["--id-token", "demo"])).stdout, "ey.i.d\n");
    assert.match((await alike(["demo"], { OIDC_SOCK: "/nowhere/at/all" })).stderr, /^Error: did not receive/);
  });

  it("heeds the time that the config file of oidc-agent 5 has", async () => {
    const folder = join(machine.home, "five");
    mkdirSync(folder);
    writeFileSync(join(folder, "config"), '{"oidc-token":{"default-min-lifetime":7}}');
    const { asked: [{ min_valid_period }] } = await alike(["demo"], { OIDC_CONFIG_DIR: folder });
    assert.equal(min_valid_period, 7);
  });

  it("loads none of the modules that take long", () => {
    const loaded = new Set<string>();
    const visit = (file: string): void => {
      if (loaded.has(file)) return;
      loaded.add(file);
      const source = readFileSync(root + file, "utf8");
      for (const { specifier, dynamic, start } of importsOf(source)) {
        const statement = source.slice(source.lastIndexOf("\nimport", start), start);
        if (dynamic || !specifier || /^\nimport type /.test(statement)) continue;
        if (specifier.startsWith(".")) visit(new URL(specifier, `file:///${file}`).pathname.slice(1));
        else loaded.add(specifier);
      }
    };
    visit("lib/agent/quick_token.ts");
    const modules = [...loaded].filter((one) => !one.startsWith("lib/")).sort();
    assert.deepEqual(modules, ["node:fs", "node:process"]);
  });
});
