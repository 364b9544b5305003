import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { accountOf } from "../../lib/agent/account_config.ts";
import { accountFiles } from "../../lib/agent/account_files.ts";
import type { Host } from "../../lib/host/host.ts";
import { startAgentProvider, writeAccount } from "../agent/commands/original_agent.ts";
import type { RunningProvider } from "../interop/oidc_provider.ts";
import { hostAt, type Machine, makeMachine } from "./machine.ts";
import { startOnTerminal } from "./pseudo_terminal.ts";
import { done, refused } from "./sign_in.ts";

describe("accounts of oidc-agent at the command line", () => {
  let machine: Machine;
  let provider: RunningProvider;
  let host: Host;
  let tokens: { readonly refreshToken?: string };
  before(async () => {
    machine = await makeMachine();
    mkdirSync(join(machine.home, ".oidc-agent"));
    host = hostAt(machine.home, { environment: (name) => name === "HOME" ? machine.home : undefined });
    provider = await startAgentProvider();
    tokens = await writeAccount({ host } as Parameters<typeof writeAccount>[0], provider, "wlcg", "pw1");
    accountFiles(host).assign(provider.issuer, "wlcg");
  });
  after(async () => {
    await provider.close();
    machine.close();
  });

  const stored = async (name: string) => {
    const account = await accountFiles(host).open(name, { password: "pw1" });
    return accountOf(JSON.parse(new TextDecoder().decode((await account.sessions.read(name))!.value)));
  };
  // no agent of whoever runs the tests
  const env = { OIDC_SOCK: "/nowhere/agent.sock" };

  it("lists them beside the profiles", async () => {
    assert.equal(done(await machine.run(["list"])).stdout, `  wlcg  ${provider.issuer}  (oidc-agent)\n`);
    const { profiles } = JSON.parse(done(await machine.run(["list", "--json"])).stdout);
    assert.deepEqual(profiles, [
      {
        name: "wlcg",
        issuer: provider.issuer,
        client_id: null,
        flow: "oidc-agent",
        scope: null,
        default: false,
      },
    ]);
    assert.equal(done(await machine.run(["import", "oidc-agent"])).stdout, "wlcg\n");
  });

  it("gets a token of one, and writes a rotated refresh token back", async () => {
    refused(await machine.run(["get", "wlcg"], { env }), 7, /encrypted.*\n.*oidc-add wlcg/);
    const terminal = startOnTerminal(machine, ["get", "wlcg"], env);
    await terminal.reply(/The password of the account "wlcg": /, "pw1\n");
    const { code, stdout } = await terminal.end();
    assert.equal(code, 0);
    assert.match(stdout, /^ey/);
    const { refreshToken } = await stored("wlcg");
    assert.notEqual(refreshToken, tokens.refreshToken);
  });

  it("takes a sign-in over: the refresh token is in one place, before and after", async () => {
    const { refreshToken } = await stored("wlcg");
    const terminal = startOnTerminal(machine, [
      "import",
      "oidc-agent",
      "wlcg",
      "--take",
      "--protect",
      "key-file",
    ], env);
    await terminal.reply(/The password of the account "wlcg": /, "pw1\n");
    const { code, seen } = await terminal.end();
    assert.equal(code, 0, seen);
    assert.equal((await machine.session("wlcg")).refreshToken, refreshToken);
    const directory = join(machine.home, ".oidc-agent");
    assert.ok(!existsSync(join(directory, "wlcg")));
    assert.deepEqual(accountFiles(host).names(), []);
    assert.match(done(await machine.run(["get", "wlcg", "--force"])).stdout, /^ey/);
    // what is left of the account can be looked at, and has no refresh token
    const left = await machine.run(["oidc-gen", "-p", join(directory, "wlcg.moved"), "--pw-cmd=echo pw1"]);
    const config = JSON.parse(left.stdout);
    assert.equal(config.refresh_token, "");
    refused(await machine.run(["import", "oidc-agent", "wlcg"]), 2, /no account "wlcg"/);

    // whoever did this died between the two
    const { signedInAt } = await machine.session("wlcg");
    const halfway = { ...config, refresh_token: refreshToken, apex_token: { signedInAt } };
    await accountFiles(host).replace("wlcg", JSON.stringify(halfway), { password: "pw1" });
    assert.notEqual(
      (await machine.session("wlcg")).refreshToken,
      refreshToken,
      "and the profile was used since",
    );
    refused(await machine.run(["import", "oidc-agent", "wlcg"]), 2, /already a profile/);
    const again = startOnTerminal(machine, ["import", "oidc-agent", "wlcg", "--take"], env);
    await again.reply(/The password of the account "wlcg": /, "pw1\n");
    assert.equal((await again.end()).code, 0);
    assert.deepEqual(accountFiles(host).names(), []);
  });

  it("makes a profile with a sign-in of its own, and the account stays", async () => {
    await writeAccount({ host } as Parameters<typeof writeAccount>[0], provider, "other", "pw1");
    const before = await stored("other");
    const terminal = startOnTerminal(
      machine,
      ["import", "oidc-agent", "other", "--protect", "key-file"],
      env,
    );
    await terminal.reply(/The password of the account "other": /, "pw1\n");
    const [, page] = await terminal.running.waitFor("stdout", /(http:\/\/\S+\/device)\s/);
    const [, userCode] = await terminal.running.waitFor("stdout", /enter the code +(\S+) /);
    await provider.approveDevice(page, { userCode });
    const { code, seen } = await terminal.end();
    assert.equal(code, 0, seen);
    const session = await machine.session("other");
    assert.ok(session.refreshToken);
    assert.notEqual(session.refreshToken, before.refreshToken);
    assert.deepEqual(await stored("other"), before);
    refused(await machine.run(["import", "oidc-agent", "other"]), 2, /already a profile/);
  });
});
