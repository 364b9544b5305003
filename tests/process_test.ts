import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { node } from "../scripts/toolchain.ts";
import { currentRuntime, runCli, runProcess, startProcess } from "./process.ts";

const script = (source: string) => ["-e", source];

describe("running a program in a test", () => {
  it("gives it HOME and PATH alone, and a fresh current directory", async () => {
    process.env.APEX_TOKEN_PROFILE = "of the person";
    try {
      const { code, stdout, stderr } = await runProcess(
        node(),
        script("console.log(JSON.stringify({ env: process.env, cwd: process.cwd() }))"),
      );
      assert.equal(stderr, "");
      assert.equal(code, 0);
      const { env, cwd } = JSON.parse(stdout);
      assert.deepEqual(Object.keys(env).sort(), ["HOME", "PATH"]);
      assert.notEqual(env.HOME, process.env.HOME);
      assert.equal(basename(cwd), basename(env.HOME));
    } finally {
      delete process.env.APEX_TOKEN_PROFILE;
    }
  });

  it("keeps the given HOME, so that one command finds what another left", async () => {
    const home = mkdtempSync(join(tmpdir(), "apex-token-home-"));
    try {
      await runProcess(node(), script("require('fs').writeFileSync('left', 'behind')"), {
        env: { HOME: home },
      });
      const { stdout } = await runProcess(
        node(),
        script("console.log(require('fs').readFileSync('left', 'utf8'))"),
        {
          env: { HOME: home },
        },
      );
      assert.equal(stdout, "behind\n");
    } finally {
      rmSync(home, { recursive: true });
    }
  });

  it("hands over standard input, both streams and the exit code", async () => {
    const { code, stdout, stderr } = await runProcess(
      node(),
      script(
        "process.stdin.on('data', (d) => { console.log(`${d}!`); console.error('no'); process.exitCode = 5; })",
      ),
      { stdin: "grüße" },
    );
    assert.deepEqual({ code, stdout, stderr }, { code: 5, stdout: "grüße!\n", stderr: "no\n" });
  });

  it("waits for what a program prints while it runs", async () => {
    const running = startProcess(
      node(),
      script(
        "console.error('code: AB-12'); process.stdin.on('data', (d) => { console.log(`${d}`); process.exit(); })",
      ),
      { stdin: "open" },
    );
    const [, code] = await running.waitFor("stderr", /code: (\S+)/);
    running.write(code);
    assert.equal((await running.ended).stdout, "AB-12\n");
    await assert.rejects(running.waitFor("stdout", /never/), /never.* is not on stdout/);
  });

  it("ends a program that hangs", async () => {
    const hanging = runProcess(node(), script("setInterval(() => {}, 1000)"), { timeout: 300 });
    await assert.rejects(hanging, /was still running after 300 ms/);
  });

  it("tells the signal that ended a program, as a shell does", async () => {
    const running = startProcess(node(), script("console.log('here'); setInterval(() => {}, 1000)"));
    await running.waitFor("stdout", /here/);
    running.kill("SIGTERM");
    assert.equal((await running.ended).code, 143);
  });

  it("leaves a program that heeds a signal its own end and its input", async () => {
    const heeding = "process.on('SIGTERM', () => console.log('heard'));" +
      "process.stdin.once('data', (line) => { console.log(String(line).trim()); process.exit(7); });" +
      "console.log('here')";
    const running = startProcess(node(), script(heeding), { stdin: "open" });
    await running.waitFor("stdout", /here/);
    running.kill("SIGTERM");
    await running.waitFor("stdout", /heard/);
    running.write("bye\n");
    const { code, stdout } = await running.ended;
    assert.deepEqual([code, stdout], [7, "here\nheard\nbye\n"]);
  });

  it("says which program cannot be started", async () => {
    await assert.rejects(runProcess("/nowhere/program", []), /Cannot run \/nowhere\/program/);
  });
});

describe("running the command line in a test", () => {
  for (const runtime of [currentRuntime(), "binary"] as const) {
    it(`starts it with ${runtime === "binary" ? "dist/apex-token" : "the runtime of the test"}`, async () => {
      const { code, stdout, stderr } = await runCli(["--version"], { runtime, cwd: "/" });
      assert.equal(stderr, "");
      assert.equal(code, 0);
      assert.match(stdout, /\d+\.\d+\.\d+/);
    });
  }
});
