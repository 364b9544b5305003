import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { loadPeerCredentials } from "../../lib/agent/peer.ts";
import { bun, root } from "../../scripts/toolchain.ts";
import { type RunningProcess, startProcess } from "../process.ts";
import { ORIGINAL } from "./account_machine.ts";
import { type AgentMachine, agentMachine } from "./agent_machine.ts";

/** A shell on a terminal of its own, which `script` of util-linux makes. */
function onTerminal(command: string, env: Record<string, string> = {}): RunningProcess {
  return startProcess("script", ["-qefE", "never", "-c", command, "/dev/null"], {
    env: { TERM: "xterm", SHELL: "/bin/sh", ...env },
    stdin: "open",
  });
}

const QUESTION = /Enter decryption password for account config 'demo': /;

describe("a question of the agent", () => {
  let place: AgentMachine;
  let terminal: RunningProcess;
  let path: string;
  beforeEach(async () => {
    place = await agentMachine();
    terminal = onTerminal("tty; exec cat > /dev/null");
    [path] = await terminal.waitFor("stdout", /\/dev\/pts\/\d+(?=\s)/);
  });
  afterEach(async () => {
    terminal.kill("SIGKILL");
    await terminal.ended;
    place.close();
  });
  const token = (gone?: AbortSignal) =>
    place.ask({ request: "access_token", account: "demo", terminal: path }, gone ? { gone } : {});

  it("is put on the terminal of whoever asked, and what is typed there is not seen", async () => {
    terminal.kill("SIGKILL");
    // nobody reads there: a shell waits for the program that asked the agent
    terminal = onTerminal("tty; exec sleep 600");
    [path] = await terminal.waitFor("stdout", /\/dev\/pts\/\d+(?=\s)/);
    await place.account("demo", {}, { password: "pw1" });
    const reply = token();
    await terminal.waitFor("stdout", QUESTION);
    terminal.write("wrong\n");
    await terminal.waitFor("stdout", /not the password\.[^]*password for account config 'demo': $/);
    terminal.write("pw1\n");
    assert.equal((await reply).status, "success", JSON.stringify(await reply));
    await terminal.waitFor("stdout", /config 'demo': [\r\n]+$/);
    assert.equal((await token()).status, "success");
  });

  it("ends when whoever asked has gone", async () => {
    await place.account("demo", {}, { password: "pw1" });
    const gone = new AbortController();
    const reply = token(gone.signal);
    await terminal.waitFor("stdout", QUESTION);
    gone.abort();
    assert.equal((await reply).error, "account not loaded");
  });

  it("is not put anywhere else than on a terminal of this person", async () => {
    await place.account("demo", {}, { password: "pw1" });
    for (const terminal of ["/dev/null", "/dev/pts/../null", "/dev/pts/999999", "/etc/passwd", 7]) {
      const reply = await place.ask({ request: "access_token", account: "demo", terminal });
      assert.equal(reply.error, "account not loaded");
    }
  });

  it("is a page and a code where a sign-in has ended, and the request then gets its token", async () => {
    await place.load("demo");
    place.server.revokeSession("ada");
    const reply = token();
    const [, code] = await terminal.waitFor("stdout", /enter the code +(\S+) /);
    // others of this account who have no terminal are not kept waiting
    const other = await place.ask({ request: "access_token", account: "demo" });
    assert.match(String(other.error), /^invalid_grant/);
    place.server.approveDevice(code);
    assert.equal((await reply).status, "success", JSON.stringify(await reply));
    const stored = await place.stored("demo", Uint8Array.from({ length: 80 }, (_, at) => at));
    assert.equal((stored.apex_token as Record<string, unknown>).dead, undefined);
    assert.equal(
      (await place.ask({ request: "access_token", account: "demo", min_valid_period: -1 })).status,
      "success",
    );
  });

  it("asks whether a token may be given, where that was wanted", async () => {
    const key = btoa(String.fromCharCode(...await place.account("demo")));
    await place.ask({ request: "add", account: "demo", key, confirm: 1 });
    terminal.kill("SIGKILL");
    terminal = onTerminal("tty; exec sleep 600");
    [path] = await terminal.waitFor("stdout", /\/dev\/pts\/\d+(?=\s)/);
    const refused = token();
    await terminal.waitFor("stdout", /access token of 'demo'\. Give it\? \[y\/N\]: /);
    terminal.write("\n");
    assert.equal((await refused).error, "operation forbidden");
    const given = token();
    await terminal.waitFor("stdout", /\[y\/N\]: [^]*\[y\/N\]: /);
    terminal.write("y\n");
    assert.equal((await given).status, "success");
  });
});

describe("the original oidc-token on a terminal", () => {
  it("is asked for the password there where the runtime knows who asks, and elsewhere told what to do", async () => {
    const place = await agentMachine();
    try {
      await place.account("demo", {}, { password: "pw1" });
      const OIDC_SOCK = await place.listen();
      const session = onTerminal(`${ORIGINAL}oidc-token demo`, { OIDC_SOCK });
      if (loadPeerCredentials()) {
        await session.waitFor("stdout", QUESTION);
        session.write("pw1\n");
        const { code, stdout } = await session.ended;
        assert.equal(code, 0, stdout);
        assert.match(stdout, /^ey\S+\r?$/m);
      } else {
        const { code, stdout } = await session.ended;
        assert.equal(code, 1);
        assert.match(stdout, /account not loaded/);
      }
    } finally {
      place.close();
    }
  });

  it("without a terminal fails at once and names the command", async () => {
    loadPeerCredentials();
    const place = await agentMachine();
    try {
      await place.account("demo", {}, { password: "pw1" });
      const OIDC_SOCK = await place.listen();
      const args = ["--wait", `${ORIGINAL}oidc-token`, "demo"];
      const { code, stderr } = await place.machine.run("setsid", args, { env: { OIDC_SOCK } });
      assert.equal(code, 1);
      assert.match(stderr, /account not loaded[^]*oidc-add demo/);
    } finally {
      place.close();
    }
  });
});

describe("our oidc-token on a terminal, by its quick way", () => {
  it("is asked for the password there whatever runs the agent, and not again when nobody knows it", async () => {
    loadPeerCredentials();
    const place = await agentMachine();
    try {
      await place.account("demo", {}, { password: "pw1" });
      const OIDC_SOCK = await place.listen();
      const command = `'${bun()}' '${root}cli.ts' oidc-token demo`;
      const env = { OIDC_SOCK, HOME: place.machine.home };
      const ignorant = onTerminal(command, env);
      for (let count = 1; count <= 3; count++) {
        await ignorant.waitFor("stdout", new RegExp(`(?:[^]*?${QUESTION.source}){${count}}`));
        ignorant.write("no\n");
      }
      const refused = await ignorant.ended;
      assert.equal(refused.code, 1);
      assert.match(refused.stdout, /Error: account not loaded/);
      assert.equal(refused.stdout.split("Enter decryption password").length - 1, 3);
      const session = onTerminal(command, env);
      await session.waitFor("stdout", QUESTION);
      session.write("pw1\n");
      const { code, stdout } = await session.ended;
      assert.equal(code, 0, stdout);
      assert.match(stdout, /^ey\S+\r?$/m);
    } finally {
      place.close();
    }
  });
});
