import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, describe, it } from "node:test";
import { launchdAgent, systemdUnit } from "../../lib/agent/service_units.ts";
import { OIDC_TOOLS } from "../../lib/agent/tools.ts";
import { type Machine, makeMachine } from "../cli/machine.ts";
import { done, refused } from "../cli/sign_in.ts";
import { runProcess } from "../process.ts";

describe("apex-token agent", () => {
  let machine: Machine;
  let env: Record<string, string>;
  beforeEach(async () => {
    machine = await makeMachine();
    env = { TMPDIR: join(machine.home, "tmp"), XDG_RUNTIME_DIR: join(machine.home, "run") };
    for (const folder of [env.TMPDIR, env.XDG_RUNTIME_DIR]) mkdirSync(folder, { mode: 0o700 });
  });
  afterEach(async () => {
    await machine.run(["agent", "stop"], { env });
    machine.close();
  });
  const run = (...args: string[]) => machine.run(["agent", ...args], { env });
  const socket = () => join(env.XDG_RUNTIME_DIR, "apex-token/agent.sock");
  const service = () => join(env.TMPDIR, `oidc-agent-service-${process.getuid!()}/oidc-agent.sock`);

  it("starts in the background, prints the lines for a shell, and prints them again", async () => {
    const first = done(await run("start"));
    const [, path, pid] = /^OIDC_SOCK=(\S+); export OIDC_SOCK;\nOIDCD_PID=(\d+); export OIDCD_PID;\n$/.exec(
      first.stdout,
    )!;
    assert.equal(path, socket());
    assert.equal(first.stderr, "");
    const again = done(await run("start"));
    assert.equal(again.stdout, first.stdout);
    assert.match(again.stderr, /running already/);
    process.kill(Number(pid), 0);
    const shell = await runProcess("/bin/sh", ["-c", `eval '${first.stdout}'; echo $OIDC_SOCK $OIDCD_PID`]);
    assert.equal(shell.stdout, `${path} ${pid}\n`);
  });

  it("that cannot start says why and what to do, as it would itself", async () => {
    writeFileSync(join(machine.home, "file"), "");
    refused(
      await run("start", "--socket", join(machine.home, "file/below/agent.sock")),
      7,
      /^apex-token: The agent did not start: Cannot \S.*\.\n\S.*\.?\n$/,
    );
  });

  it("keeps its socket where nobody else can go, with a link where the C tools look", async () => {
    done(await run("start"));
    const state = lstatSync(socket());
    assert.ok(state.isSocket());
    assert.equal(state.mode & 0o777, 0o600);
    assert.equal(statSync(join(socket(), "..")).mode & 0o777, 0o700);
    assert.equal(readlinkSync(service()), socket());
    assert.equal(statSync(join(service(), "..")).mode & 0o777, 0o700);
  });

  it("says what it is, and ends without a trace", async () => {
    done(await run("start", "--lifetime", "60", "--no-autoload"));
    const { stdout } = done(await run("status"));
    assert.match(stdout, /Lifetime:\t+60 seconds\n[^]*Autoload:\t+false\n[^]*0 accounts loaded/);
    const json = JSON.parse(done(await run("status", "-o", "json")).stdout);
    assert.equal(json.command_line_options.autoload, false);
    assert.match(done(await run("stop")).stderr, /has ended/);
    for (const path of [socket(), `${socket()}.pid`, service()]) {
      assert.equal(lstatSync(path, { throwIfNoEntry: false }), undefined);
    }
    refused(await run("status"), 6, /No agent is running/, /agent start/);
    assert.match(done(await run("stop")).stderr, /No agent was running/);
  });

  it("comes again after one that was killed", async () => {
    const { stdout } = done(await run("start"));
    const pid = Number(/PID=(\d+)/.exec(stdout)![1]);
    process.kill(pid, "SIGKILL");
    await new Promise<void>((gone) => {
      const look = () =>
        connect({ path: socket() }).on("error", () => gone()).on("connect", () => setTimeout(look, 5));
      look();
    });
    const again = done(await run("start"));
    assert.notEqual(again.stdout, stdout);
    assert.match(again.stdout, /^OIDC_SOCK=/);
  });

  it("starts once when many start it at the same time", async () => {
    const results = await Promise.all(Array.from({ length: 3 }, () => run("start")));
    assert.equal(new Set(results.map((result) => done(result).stdout)).size, 1);
  });

  it("refuses a directory that others can write to", async () => {
    const open = join(machine.home, "open");
    mkdirSync(open);
    chmodSync(open, 0o777);
    refused(await run("start", "--socket", join(open, "agent.sock")), 7, /others can write to it/);
    assert.equal(existsSync(join(open, "agent.sock")), false);
  });

  it("writes a service for the session that systemd understands", async () => {
    const { stderr } = done(await run("install"));
    const path = join(machine.home, ".config/systemd/user/apex-token-agent.service");
    assert.match(stderr, /systemctl --user enable --now apex-token-agent.service/);
    assert.match(readFileSync(path, "utf8"), /^ExecStart=\S.* agent run$/m);
    const verified = await runProcess("systemd-analyze", ["--user", "verify", path], { env });
    assert.equal(verified.code, 0, verified.stderr);
    assert.equal(verified.stderr, "");
  });

  it("says where it cannot write that service, and ends with 7", async () => {
    writeFileSync(join(machine.home, "file"), "");
    const unwritable = { ...env, XDG_CONFIG_HOME: join(machine.home, "file") };
    refused(
      await machine.run(["agent", "install"], { env: unwritable }),
      7,
      /Cannot write \S+apex-token-agent\.service: a part of its path/,
      /Name another path/,
    );
  });
});

describe("apex-token agent links", () => {
  it("gives this program the names of oidc-agent's, and leaves other programs alone", async () => {
    const machine = await makeMachine("binary");
    try {
      const folder = join(machine.home, "bin");
      done(await machine.run(["agent", "links", folder]));
      const [program] = machine.words([]);
      for (const name of OIDC_TOOLS) {
        assert.equal(readlinkSync(join(folder, name)), program);
      }
      const other = join(machine.home, "other");
      mkdirSync(other);
      symlinkSync("/nowhere", join(other, "oidc-agent"));
      writeFileSync(join(other, "oidc-token"), "somebody's program");
      refused(await machine.run(["agent", "links", other]), 7, /oidc-token: a file is in its place/);
      assert.equal(readlinkSync(join(other, "oidc-agent")), program);
      assert.equal(readFileSync(join(other, "oidc-token"), "utf8"), "somebody's program");
      const nowhere = join(other, "oidc-token/below");
      refused(
        await machine.run(["agent", "links", nowhere]),
        7,
        /Cannot make the link \S+: a part of its path/,
      );
    } finally {
      machine.close();
    }
  });
});

describe("the services", () => {
  it("name the program whatever its path is", () => {
    assert.match(systemdUnit(['/a b/100%"$x\\']), /^ExecStart="\/a b\/100%%\\"\$\$x\\\\" agent run$/m);
    assert.match(launchdAgent(["/a&b/<x>"]), /<string>\/a&amp;b\/&lt;x&gt;<\/string>/);
  });
});
