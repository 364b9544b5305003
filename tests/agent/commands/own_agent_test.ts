import assert from "node:assert/strict";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { arrive } from "../../cli/sign_in.ts";
import { freePort } from "../../free_port.ts";
import { type RunningProvider, SERVICE_SECRET, startProvider } from "../../interop/oidc_provider.ts";
import { type CliOptions, type ProcessResult, runCli, startCli } from "../../process.ts";
import { type AccountMachine, accountMachine } from "../account_machine.ts";

describe("oidc-agent's tools with our agent, where nobody is at a terminal", () => {
  let machine: AccountMachine;
  let provider: RunningProvider;
  let env: Record<string, string>;
  before(async () => {
    machine = accountMachine();
    provider = await startProvider({ interval: 1 });
    const home = {
      HOME: machine.home,
      TMPDIR: machine.home,
      APEX_TOKEN_OIDC_AGENT_ETC: join(machine.home, "etc"),
    };
    const { stdout } = done(await runCli(["oidc-agent-service", "start"], { env: home }));
    const [, socket, pid] = /^OIDC_SOCK=(\S+); export OIDC_SOCK;\nOIDCD_PID=(\d+); export OIDCD_PID;\n/.exec(
      stdout,
    )!;
    env = { ...home, OIDC_SOCK: socket, OIDCD_PID: pid };
  });
  after(async () => {
    await tool("oidc-agent-service", "stop");
    await provider.close();
    machine.close();
  });

  const done = (result: ProcessResult) => {
    assert.equal(result.code, 0, result.stderr);
    return result;
  };
  const tool = (...args: string[]) => runCli(args, { env });
  const PUBLIC = () => [`--iss=${provider.issuer}`, "--client-id=project-a-catalogue-dev-api", "--pub"];
  const PASSWORD = "--pw-cmd=echo pw1";

  async function byDevice(args: string[], options: CliOptions = {}): Promise<ProcessResult> {
    const running = startCli(["oidc-gen", "-w", "device", ...args], { env, ...options });
    const [, page] = await running.waitFor("stderr", /visit:\n(http\S+)\n/);
    const [, userCode] = await running.waitFor("stderr", /And enter the code: (\S+)\n/);
    await provider.approveDevice(page, { userCode });
    return await running.ended;
  }

  it("prints the same lines for everybody who starts the service", async () => {
    const [one, other] = await Promise.all([
      tool("oidc-agent-service", "use"),
      tool("oidc-agent-service", "start"),
    ]);
    assert.equal(done(one).stdout, done(other).stdout);
    const directory = join(machine.home, `oidc-agent-service-${process.getuid!()}`);
    assert.equal(
      one.stdout,
      `OIDC_SOCK=${directory}/oidc-agent.sock; export OIDC_SOCK;\nOIDCD_PID=${env.OIDCD_PID}; export OIDCD_PID;\n` +
        `OIDCD_PID_FILE=${directory}/oidc-agent.pid; export OIDCD_PID_FILE;\n/bin/cat ${directory}/oidc-agent.pid\n`,
    );
    assert.equal(statSync(directory).mode & 0o777, 0o700);
  });

  it("refuses before the sign-in where the password cannot be had, and after it nothing is lost", async () => {
    const { code, stdout, stderr } = await tool(
      "oidc-gen",
      "-w",
      "device",
      "nobody",
      ...PUBLIC(),
      "--scope=openid",
    );
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^Error: the encryption password is needed.*\n.*--pw-file.*--no-save/);
    assert.equal(provider.count("/device/auth"), 0);
  });

  it("keeps with --no-save nothing but what the agent has", async () => {
    const { stdout } = done(await byDevice(["unsaved", ...PUBLIC(), "--scope=openid", "--no-save"]));
    assert.match(stdout, /Everything setup correctly!\n$/);
    assert.ok(!existsSync(join(machine.directory, "unsaved")));
    assert.match(done(await tool("oidc-token", "unsaved")).stdout, /^ey/);
    done(await tool("oidc-add", "-r", "unsaved"));
    assert.equal(
      (await tool("oidc-token", "unsaved")).stderr,
      "Error: No account configured with that short name\n",
    );
  });

  it("prints a token alone with --only-at, and keeps nothing", async () => {
    const { stdout } = done(await byDevice(["once", ...PUBLIC(), "--scope=openid", "--only-at"]));
    assert.match(stdout, /^ey\S+\n$/);
    assert.ok(!existsSync(join(machine.directory, "once")));
  });

  it("signs in with a browser", async () => {
    const ports = [await freePort(), await freePort()];
    const running = startCli(
      [
        ...[
          "oidc-gen",
          "-w",
          "code",
          "browser",
          `--iss=${provider.issuer}`,
          "--client-id=browser-client",
          "--pub",
        ],
        ...["--scope=openid", ...ports.map((port) => `--port=${port}`), "--no-url-call", PASSWORD],
      ],
      { env },
    );
    const [, url] = await running.waitFor("stderr", /of your choice:\n(http\S+)\n/);
    await arrive(await provider.authorize(url, { deliver: false }));
    const { stdout } = done(await running.ended);
    assert.match(stdout, /\naccepted\nsuccess\nEverything setup correctly!\n$/);
    assert.match(done(await tool("oidc-token", "browser")).stdout, /^ey/);
  });

  it("gives a client of its own tokens by client credentials, from its file too", async () => {
    const args = [
      `--iss=${provider.issuer}`,
      "--client-id=apex-service",
      `--client-secret=${SERVICE_SECRET}`,
    ];
    done(await tool("oidc-gen", "-w", "client_credentials", "service", ...args, "--scope=roles", PASSWORD));
    const before = provider.count("/token", "client_credentials");
    const { stdout } = done(await tool("oidc-token", "service"));
    assert.match(stdout, /^ey/);
    assert.equal(done(await tool("oidc-token", "service")).stdout, stdout);
    assert.equal(provider.count("/token", "client_credentials"), before + 1);
    assert.notEqual(done(await tool("oidc-token", "-f", "service")).stdout, stdout);
    const wrong = await tool(
      "oidc-gen",
      "-w",
      "client_credentials",
      "bad",
      args[0],
      args[1],
      "--client-secret=no",
      PASSWORD,
    );
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /^Error: invalid_client/);
    assert.ok(!existsSync(join(machine.directory, "bad")));
  });

  it("is the agent of oidc-keychain, too, which loads accounts and prints nothing but what eval wants", async () => {
    const lines =
      `OIDC_SOCK=${env.OIDC_SOCK}; export OIDC_SOCK;\nOIDCD_PID=${env.OIDCD_PID}; export OIDCD_PID;\n` +
      `echo oidc-keychain: Reusing agent pid ${env.OIDCD_PID};\n`;
    const { stdout, stderr } = done(await tool("oidc-keychain", "-t", "60", "--accounts", "service"));
    assert.deepEqual([stdout, stderr], [lines, "Account 'service' already loaded\n"]);
    const unknown = await tool("oidc-keychain", "--accounts", "nobody");
    assert.deepEqual([unknown.code, unknown.stdout], [1, `${lines}false;\n`]);
    assert.equal(unknown.stderr, "Error: No account configured with that short name\n");
  });

  it("has no oidc-tokensh, mytoken or remote agent, and says what to do instead", async () => {
    const refusals: [string[], RegExp][] = [
      [
        ["oidc-tokensh", "--oidc", "x"],
        /^Error: oidc-tokensh is not a part.*\n.*BEARER_TOKEN=\$\(oidc-token NAME\)/,
      ],
      [["oidc-gen", "--mytoken=x", "x"], /^Error: mytoken is not supported\n.*oidc-gen NAME --iss=URL/],
      [
        ["oidc-token", "-m", "service"],
        /^Error: Not a valid mytoken configuration\n.*oidc-gen NAME --iss=URL/,
      ],
      [["oidc-add", "--remote", "x"], /^Error: an agent at OIDC_REMOTE_SOCK is not supported\n.*ssh -R/],
    ];
    for (const [args, words] of refusals) {
      const { code, stdout, stderr } = await tool(...args);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, words);
    }
  });

  it("counts a lifetime with no other option", async () => {
    done(await tool("oidc-add", "-r", "service"));
    const { stdout, stderr } = done(await tool("oidc-add", "-t", "1", PASSWORD, "service"));
    assert.deepEqual([stdout, stderr], ["success\n", "Lifetime set to 1 seconds\n"]);
    while (done(await tool("oidc-add", "-a")).stdout.includes("service")) {
      // it goes by itself: the test's own deadline is what fails where it does not
    }
    const { stdout: status } = done(await tool("oidc-agent", "--status"));
    assert.match(status, /agent/i);
  });

  it("names the redirect URIs and the flows that it takes", async () => {
    const bad = await tool(
      "oidc-gen",
      "x",
      ...PUBLIC(),
      "--redirect-uri=https://example.org",
      PASSWORD,
      "--scope=openid",
    );
    assert.match(bad.stderr, /^Error: https:\/\/example\.org is not a valid redirect_uri\n/);
    const flow = await tool("oidc-gen", "x", "-w", "magic", ...PUBLIC(), PASSWORD);
    assert.deepEqual([flow.code, flow.stderr], [1, "Error: Unknown flow 'magic'\n"]);
  });

  it("runs an agent for one command", async () => {
    mkdirSync(join(machine.home, "around"), { recursive: true });
    const { stdout, code } = await runCli(
      ["oidc-agent", "-a", join(machine.home, "around/sock"), "--", "sh", "-c", "echo $OIDC_SOCK; exit 3"],
      { env },
    );
    assert.deepEqual([stdout, code], [`${machine.home}/around/sock\n`, 3]);
    assert.ok(!existsSync(join(machine.home, "around/sock")));
  });

  it("starts an agent at a place that nobody guesses, and kills it", async () => {
    const started = done(await tool("oidc-agent"));
    const [, socket, pid] =
      /^OIDC_SOCK=(\S+\/oidc-\w{6}\/oidc-agent\.\d+); export OIDC_SOCK;\nOIDCD_PID=(\d+); export OIDCD_PID;\necho Agent pid \$OIDCD_PID\n$/
        .exec(started.stdout)!;
    const killed = done(
      await runCli(["oidc-agent", "-k"], { env: { ...env, OIDC_SOCK: socket, OIDCD_PID: pid } }),
    );
    assert.equal(killed.stdout, `unset OIDC_SOCK;\nunset OIDCD_PID;\necho Agent pid ${pid} killed;\n`);
    assert.ok(!existsSync(socket));
    const { OIDCD_PID: _none, ...without } = env;
    const nobody = await runCli(["oidc-agent", "-k"], { env: without });
    assert.deepEqual([nobody.code, nobody.stderr], [1, "OIDCD_PID not set, cannot kill Agent\n"]);
  });
});
