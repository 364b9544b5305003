import assert from "node:assert/strict";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { formOf } from "../../../lib/agent/account_file.ts";
import { accountFiles } from "../../../lib/agent/account_files.ts";
import { type RunningProvider, startProvider } from "../../interop/oidc_provider.ts";
import { type ProcessResult, runCli, startCli } from "../../process.ts";
import { type AccountMachine, accountMachine, endGpgAgent } from "../account_machine.ts";

const CONFIG = {
  name: "demo",
  issuer_url: "https://op.example/",
  client_id: "c1",
  refresh_token: "rt-1",
  scope: "openid",
  redirect_uris: ["http://localhost:4242", "http://localhost:8080"],
};
const LEGACY = "30:000102030405060708090a0b0c0d0e0f:000102030405060708090a0b0c0d0e0f1011121314151617:" +
  "d53e0f1661b297631dfbbee8463ae914e858594f430766cab750351740a1";
const PASSWORD = "--pw-cmd=echo pw1";

describe("oidc-gen and oidc-add on account files, without an agent", () => {
  let machine: AccountMachine;
  before(() => machine = accountMachine());
  after(() => machine.close());
  const tool = (...args: string[]) =>
    runCli(args, {
      env: { HOME: machine.home, OIDC_SOCK: "/nowhere/agent.sock", APEX_TOKEN_OIDC_AGENT_ETC: machine.home },
    });

  it("encrypts a file that is not encrypted, and prints it as oidc-agent does", async () => {
    machine.write("demo", JSON.stringify(CONFIG));
    assert.deepEqual(await tool("oidc-gen", "-u", "demo", PASSWORD), {
      code: 0,
      stdout: "Updated config file format\n",
      stderr: "",
    });
    assert.equal(formOf(machine.read("demo")), "password");
    assert.equal(statSync(join(machine.directory, "demo")).mode & 0o777, 0o600);
    const printed =
      '{\n\t"name":\t"demo",\n\t"issuer_url":\t"https://op.example/",\n\t"client_id":\t"c1",\n' +
      '\t"refresh_token":\t"rt-1",\n\t"scope":\t"openid",\n' +
      '\t"redirect_uris":\t["http://localhost:4242", "http://localhost:8080"]\n}\n';
    assert.equal((await tool("oidc-gen", "-p", "demo", PASSWORD)).stdout, printed);
    assert.equal((await tool("oidc-gen", "-p", join(machine.directory, "demo"), PASSWORD)).stdout, printed);
    assert.deepEqual(JSON.parse((await tool("oidc-add", "-p", "demo", PASSWORD)).stdout), CONFIG);
  });

  it("brings a file of before 2.1.0 into today's form", async () => {
    machine.write("old", LEGACY);
    assert.equal((await tool("oidc-gen", "-u", "old", "--pw-cmd=echo hunter2")).code, 0);
    assert.equal(formOf(machine.read("old")), "password");
    assert.equal(
      (await tool("oidc-gen", "-p", "old", "--pw-cmd=echo hunter2")).stdout,
      '{\n\t"name":\t"old"\n}\n',
    );
  });

  it("says what it cannot do, in the words of the original", async () => {
    const words = "Error: reached maximum number of tries\n";
    assert.deepEqual(await tool("oidc-gen", "-p", "demo", "--pw-cmd=echo bad"), {
      code: 1,
      stdout: "",
      stderr: words + words,
    });
    assert.equal(
      (await tool("oidc-gen", "-p", "nope")).stderr,
      "Error: could not open file - file does not exist\n",
    );
    const noAgent = await tool("oidc-gen", "-w", "device", "new", PASSWORD);
    assert.deepEqual([noAgent.code, noAgent.stdout], [1, ""]);
    assert.match(
      noAgent.stderr,
      /^Error: Could not connect to oidc-agent\n.*\n\t\$ eval `oidc-agent-service start`\n/,
    );
    assert.match((await tool("oidc-gen", "../x")).stderr, /cannot be the name of an account/);
    assert.equal((await tool("oidc-gen", "a", "b")).code, 64);
    assert.equal((await tool("oidc-gen", "-d")).code, 1);
  });

  it("lists accounts where there is no directory yet", async () => {
    const empty = accountMachine({ OIDC_CONFIG_DIR: "/nowhere/at/all" });
    const result = await runCli(["oidc-gen", "-l"], {
      env: { HOME: join(empty.home, "nobody") },
      cwd: "/",
    });
    assert.deepEqual(result, { code: 0, stdout: "", stderr: "" });
    empty.close();
  });
});

describe("oidc-gen with a public client and with gpg", () => {
  let machine: AccountMachine;
  let provider: RunningProvider;
  let env: Record<string, string>;
  before(async () => {
    machine = accountMachine();
    provider = await startProvider({ interval: 1 });
    const GNUPGHOME = join(machine.home, "gnupg");
    mkdirSync(GNUPGHOME, { mode: 0o700 });
    env = {
      HOME: machine.home,
      TMPDIR: machine.home,
      GNUPGHOME,
      APEX_TOKEN_OIDC_AGENT_ETC: join(machine.home, "etc"),
    };
    const key = ["--quick-generate-key", "somebody@example.org", "future-default", "default", "never"];
    done(
      await machine.run("gpg", ["--batch", "--pinentry-mode", "loopback", "--passphrase", "", ...key], {
        env,
      }),
    );
    const { stdout } = done(await runCli(["oidc-agent-service", "start"], { env }));
    env.OIDC_SOCK = /OIDC_SOCK=(\S+);/.exec(stdout)![1];
  });
  after(async () => {
    await runCli(["oidc-agent-service", "stop"], { env });
    await endGpgAgent(machine, env.GNUPGHOME);
    await provider.close();
    machine.close();
  });
  const done = (result: ProcessResult) => {
    assert.equal(result.code, 0, result.stderr);
    return result;
  };
  const tool = async (...args: string[]) => done(await runCli(args, { env }));

  async function byDevice(...args: string[]): Promise<void> {
    const running = startCli(["oidc-gen", "-w", "device", ...args], { env });
    const [, page] = await running.waitFor("stderr", /visit:\n(http\S+)\n/);
    const [, userCode] = await running.waitFor("stderr", /And enter the code: (\S+)\n/);
    await provider.approveDevice(page, { userCode });
    done(await running.ended);
  }

  it("takes the client that issuer.config names for everybody", async () => {
    writeFileSync(
      join(machine.directory, "issuer.config"),
      JSON.stringify([{
        issuer: provider.issuer,
        pubclient: { client_id: "project-a-catalogue-dev-api", scope: "openid profile" },
      }]),
    );
    await byDevice("shared", "--pub", `--iss=${provider.issuer}`, PASSWORD);
    const account = JSON.parse((await tool("oidc-gen", "-p", "shared", PASSWORD)).stdout);
    assert.equal(account.client_id, "project-a-catalogue-dev-api");
    assert.match(account.scope, /^openid profile/);
    assert.equal(account.uses_pub_client, 1);
    const { stdout } = await tool("oidc-token", "shared");
    await tool("oidc-add", "-R");
    await tool("oidc-add", PASSWORD, "shared");
    assert.notEqual((await tool("oidc-token", "shared")).stdout, stdout);
    assert.deepEqual(accountFiles(machine.host).issuers()[0].accounts, ["shared"]);
  });

  it("refuses --pub for an issuer of which it knows no public client", async () => {
    const { code, stderr } = await runCli(
      ["oidc-gen", "--pub", "x", "--iss=https://nobody.example", "-w", "device", PASSWORD],
      { env },
    );
    assert.deepEqual([code, stderr], [1, "Error: Could not find a public client for this issuer.\n"]);
  });

  it("encrypts for a key of gpg, loads without a password, and writes a rotated refresh token back", async () => {
    const client = ["--pub", "--client-id=project-a-catalogue-dev-api", `--iss=${provider.issuer}`];
    await byDevice("keyed", ...client, "--scope=openid", "--pw-gpg=somebody@example.org");
    assert.equal(formOf(machine.read("keyed")), "gpg");
    const before = JSON.parse((await tool("oidc-gen", "-p", "keyed")).stdout).refresh_token;
    await tool("oidc-token", "-f", "keyed");
    const after = JSON.parse((await tool("oidc-gen", "-p", "keyed")).stdout).refresh_token;
    assert.notEqual(after, before);
    await tool("oidc-add", "-R");
    await tool("oidc-add", "keyed");
    await tool("oidc-token", "-f", "keyed");
    assert.equal(formOf(machine.read("keyed")), "gpg");
  });
});
