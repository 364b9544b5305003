import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { claimsOf } from "../../jwt.ts";
import type { RunningProvider } from "../../interop/oidc_provider.ts";
import { runCli, startCli } from "../../process.ts";
import { type AccountMachine, accountMachine, ORIGINAL } from "../account_machine.ts";
import {
  CLIENT,
  type OriginalAgent,
  startAgentProvider,
  startOriginalAgent,
  writeAccount,
} from "./original_agent.ts";

describe("oidc-token and oidc-add with the original agent", () => {
  let machine: AccountMachine;
  let provider: RunningProvider;
  let original: OriginalAgent;
  let file: string;
  before(async () => {
    machine = accountMachine();
    provider = await startAgentProvider();
    original = await startOriginalAgent(machine);
    file = join(machine.home, "password");
    writeFileSync(file, "pw1\nno part of it\n");
    await writeAccount(machine, provider, "demo", "pw1");
  });
  after(async () => {
    original.end();
    await provider.close();
    machine.close();
  });

  const tool = async (args: string[], env: Record<string, string> = {}) => {
    const { code, stdout, stderr } = await runCli(args, {
      env: {
        HOME: machine.home,
        OIDC_SOCK: original.socket,
        APEX_TOKEN_OIDC_AGENT_ETC: machine.home,
        ...env,
      },
    });
    return { code, stdout, stderr };
  };
  const failed = (stderr: string) => ({ code: 1, stdout: "", stderr });

  it("says that an account is not known, not loaded", async () => {
    assert.deepEqual(
      await tool(["oidc-token", "nope"]),
      failed("Error: No account configured with that short name\n"),
    );
    assert.deepEqual(await tool(["oidc-token", "demo"]), failed("Error: account not loaded\n"));
    assert.deepEqual(
      await tool(["oidc-add", "nope"]),
      failed("Error: No account configured with that short name\n"),
    );
    assert.deepEqual(await tool(["oidc-add", "-r", "demo"]), failed("Error: account not loaded\n"));
  });

  it("lists accounts, without a headline where nobody reads it", async () => {
    assert.deepEqual(await tool(["oidc-add", "-l"]), { code: 0, stdout: "demo\n", stderr: "" });
    assert.deepEqual(await tool(["oidc-add", "-a"]), { code: 0, stdout: "", stderr: "" });
  });

  it("refuses a wrong password, in the words of the original", async () => {
    const words = "Error: reached maximum number of tries\n";
    assert.deepEqual(await tool(["oidc-add", "--pw-cmd", "echo no", "demo"]), failed(words + words));
  });

  it("asks nobody where there is no terminal", async () => {
    const { code, stdout, stderr } = await tool(["oidc-add", "demo"]);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^Error: the encryption password is needed.*\n.*--pw-file/);
  });

  it("loads an account with the password of a file, a command or a variable", async () => {
    const success = { code: 0, stdout: "success\n" };
    const load = async (args: string[], env?: Record<string, string>) => {
      const { code, stdout, stderr } = await tool(["oidc-add", ...args, "demo"], env);
      assert.deepEqual({ code, stdout }, success, stderr);
      assert.deepEqual(await tool(["oidc-add", "-a"]), { code: 0, stdout: "demo\n", stderr: "" });
      assert.deepEqual(await tool(["oidc-add", "-r", "demo"]), { ...success, stderr: "" });
    };
    await load([`--pw-file=${file}`]);
    await load(["--pw-cmd=echo pw1"]);
    await load(["--pw-env"], { OIDC_ENCRYPTION_PW: "pw1" });
    await load(["--pw-env=MINE"], { MINE: "pw1" });
    assert.equal((await tool(["oidc-add", "--pw-cmd=echo pw1", "demo"])).code, 0);
    assert.deepEqual(await tool(["oidc-add", "demo"]), {
      code: 0,
      stdout: "Account 'demo' already loaded\n",
      stderr: "",
    });
  });

  it("prints what it is asked for, in every form of the original", async () => {
    const { stdout: all } = await tool(["oidc-token", "-a", "demo"]);
    const [token, issuer, expiresAt] = all.split("\n");
    assert.match(token, /^ey/);
    assert.equal(issuer.replace(/\/$/, ""), provider.issuer);
    const forms: [string[], string][] = [
      [[], `${token}\n`],
      [["-o"], `${token}\n`],
      [["-e"], `${expiresAt}\n`],
      [["-i"], `${issuer}\n`],
      [["--bearer"], `Bearer ${token}\n`],
      [["--auth-header"], `Authorization: Bearer ${token}`],
      [["-oie"], `ie=${token}; export ie;\n`],
      [["--token=TOK"], `TOK=${token}; export TOK;\n`],
      [["-e", "-i"], `OIDC_ISS=${issuer}; export OIDC_ISS;\nOIDC_EXP=${expiresAt}; export OIDC_EXP;\n`],
      [
        ["-c"],
        `OIDC_AT=${token}; export OIDC_AT;\nOIDC_ISS=${issuer}; export OIDC_ISS;\n` +
        `OIDC_EXP=${expiresAt}; export OIDC_EXP;\n`,
      ],
    ];
    for (const [args, stdout] of forms) {
      assert.deepEqual(await tool(["oidc-token", "demo", ...args]), { code: 0, stdout, stderr: "" });
    }
    assert.deepEqual(await tool(["oidc-token", "demo", "-e", "MINE"]), {
      code: 0,
      stdout: `MINE=${expiresAt}; export MINE;\n`,
      stderr: "",
    });
    assert.equal((await tool(["oidc-token", provider.issuer.replace("http:", "https:")])).code, 1);
  });

  it("narrows by scope and audience, and forces a new one", async () => {
    const before = (await tool(["oidc-token", "demo"])).stdout;
    const narrow = await tool(["oidc-token", "-s", "storage.read:/", "--aud", "example.audience", "demo"]);
    assert.equal(narrow.stderr, "");
    assert.equal(claimsOf(narrow.stdout).scope, "storage.read:/");
    assert.equal(claimsOf(narrow.stdout).aud, "example.audience");
    assert.notEqual((await tool(["oidc-token", "-f", "demo"])).stdout, before);
    const refused = await tool(["oidc-token", "-s", "nonsense:/", "demo"]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /^Error: invalid_scope: .*\n.*\n\t\$ oidc-gen -m demo\n/);
  });

  it("says how it is used, with exit code 64", async () => {
    const usage = {
      code: 64,
      stdout: "",
      stderr: "Usage: oidc-token [OPTION...] ACCOUNT_SHORTNAME | ISSUER_URL\n" +
        "Try `oidc-token --help' or `oidc-token --usage' for more information.\n",
    };
    assert.deepEqual(await tool(["oidc-token"]), usage);
    assert.deepEqual(await tool(["oidc-token", "demo", "nope"]), usage);
    assert.equal((await tool(["oidc-token", "-t", "soon", "demo"])).code, 64);
    assert.equal((await tool(["oidc-add"])).code, 64);
    assert.equal((await tool(["oidc-add", "-l", "demo"])).code, 64);
    assert.deepEqual(await tool(["oidc-token", "--version"]), {
      code: 0,
      stdout: "oidc-token 5.3.3\n",
      stderr: "",
    });
  });

  it("says that no agent answers", async () => {
    const { code, stdout, stderr } = await tool(["oidc-token", "demo"], { OIDC_SOCK: "/nowhere/at/all" });
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^Error: did not receive any response\n[^]*oidc-agent-service start/);
    assert.match(
      (await tool(["oidc-add", "-a"], { OIDC_SOCK: "/nowhere/at/all" })).stderr,
      /^Error: Could not connect to oidc-agent\n/,
    );
  });
});

describe("oidc-gen with the original agent", () => {
  let machine: AccountMachine;
  let provider: RunningProvider;
  let original: OriginalAgent;
  before(async () => {
    machine = accountMachine();
    provider = await startAgentProvider();
    original = await startOriginalAgent(machine);
  });
  after(async () => {
    original.end();
    await provider.close();
    machine.close();
  });

  it("makes an account that both sides use, signs in again, renames and deletes it", async () => {
    const env = { HOME: machine.home, OIDC_SOCK: original.socket, APEX_TOKEN_OIDC_AGENT_ETC: machine.home };
    const pw = "--pw-cmd=echo pw1";
    const gen = async (...args: string[]) => {
      const running = startCli(["oidc-gen", pw, ...args], { env });
      const [, page] = await running.waitFor("stderr", /visit:\n(http\S+)\n/);
      const [, userCode] = await running.waitFor("stderr", /And enter the code: (\S+)\n/);
      await provider.approveDevice(page, { userCode });
      const { code, stdout, stderr } = await running.ended;
      assert.equal(code, 0, stderr);
      return stdout;
    };
    const made = await gen(
      ...[
        "demo",
        "-w",
        "device",
        `--client-id=${CLIENT.client_id}`,
        `--client-secret=${CLIENT.client_secret}`,
      ],
      ...[`--iss=${provider.issuer}`, "--scope=openid", "--redirect-url="],
    );
    assert.equal(
      made,
      "No account exists with this short name. Creating new configuration ...\n" +
        "Generating account configuration ...\naccepted\nEverything setup correctly!\n",
    );
    const printed = async (program: "ours" | "original") => {
      const args = ["-p", "demo", pw];
      const { stdout, stderr } = program === "ours"
        ? await runCli(["oidc-gen", ...args], { env })
        : await machine.run(`${ORIGINAL}oidc-gen`, args);
      assert.equal(stderr, "");
      return JSON.parse(stdout);
    };
    const { refresh_token } = await printed("ours");
    assert.deepEqual(await printed("ours"), await printed("original"));
    assert.match((await runCli(["oidc-token", "demo"], { env })).stdout, /^ey/);

    assert.match(
      await gen("--reauthenticate", "-w", "device", "demo"),
      /^Generating[^]*Everything setup correctly!\n$/,
    );
    assert.notEqual((await printed("original")).refresh_token, refresh_token);

    assert.equal((await runCli(["oidc-gen", "--rename=other", "demo", pw], { env })).code, 0);
    assert.equal((await runCli(["oidc-gen", "-l"], { env })).stdout, "other\n");
    const deleted = await runCli(["oidc-gen", "-d", "other", pw, "--confirm-yes"], { env });
    assert.match(deleted.stdout, /Successfully deleted account configuration\.\n$/, deleted.stderr);
    assert.equal(provider.count("/token/revocation"), 1);
    assert.equal((await runCli(["oidc-gen", "-l"], { env })).stdout, "");
  });
});
