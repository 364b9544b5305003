import assert from "node:assert/strict";
import { existsSync, lstatSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { KEY_PATIENCE } from "../../lib/agent/held_keys.ts";
import { lifetime } from "../../lib/agent/lifetime.ts";
import { pidPath } from "../../lib/agent/run.ts";
import { PASSWORD_USER, type RunningProvider, startProvider } from "../interop/oidc_provider.ts";
import { type Machine, makeMachine, quickVariant, type Variant } from "../cli/machine.ts";
import { startOnTerminal, type TerminalEnd } from "../cli/pseudo_terminal.ts";
import { at, done, refused, signIn } from "../cli/sign_in.ts";
import { type FakeClock, fakeClock } from "../fake_clock.ts";
import { currentRuntime } from "../process.ts";
import { type AgentMachine, agentMachine } from "./agent_machine.ts";

const PASSPHRASE = "correct horse battery staple";
const NOTICE =
  /An agent keeps the key from now on, until nobody has used it for 8 hours\. End it: apex-token agent stop \(to start none: APEX_TOKEN_NO_AGENT=1\)/;
const KEY = Uint8Array.from({ length: 32 }, (_, at) => at);

let provider: RunningProvider;
before(async () => void (provider = await startProvider()));
after(() => provider.close());

describe("a passphrase that is typed", () => {
  let machine: Machine;
  let file: string;
  let env: Record<string, string>;
  const socket = () => join(machine.home, ".local/state/apex-token/run/agent.sock");
  beforeEach(() => begin(quickVariant));
  afterEach(() => end());

  async function begin(variant?: Variant): Promise<void> {
    machine = await makeMachine(variant);
    file = join(machine.home, "passphrase");
    writeFileSync(file, PASSPHRASE + "\n");
    // no link of it in a directory that all share
    env = { APEX_TOKEN_NO_AGENT: "", TMPDIR: machine.home };
  }
  async function end(): Promise<void> {
    await machine.run(["agent", "stop"], { env });
    machine.close();
  }

  /** Whether it is that agent, and not another process with its number, nor one that nobody has buried yet. */
  function isAgent(pid: number): boolean {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(machine.home);
    } catch {
      return false;
    }
  }

  const byPassphrase = () =>
    signIn(machine, provider, "p", ["--protect", "passphrase", "--passphrase-file", file]);
  async function typed(words: string[], others: Record<string, string> = {}): Promise<TerminalEnd> {
    const person = startOnTerminal(machine, words, { ...env, ...others });
    await person.reply(/The passphrase of "p": /, `${PASSPHRASE}\r`);
    return await person.end();
  }

  for (const variant of new Set([currentRuntime(), quickVariant])) {
    it(`at a terminal starts an agent that keeps its key, which is not asked for again (${variant})`, async () => {
      await end();
      await begin(variant);
      await byPassphrase();
      const first = await typed(["get", "p", "--force"]);
      assert.equal(first.code, 0, first.seen);
      assert.match(first.stdout, /^eyJ\S+\n$/);
      assert.match(first.seen, NOTICE);
      // nobody types anything, and there is no terminal
      const next = done(await machine.run(["get", "p", "--force"], { env }));
      assert.notEqual(next.stdout, first.stdout);
      assert.equal(next.stderr, "");
      const again = startOnTerminal(machine, ["get", "p", "--force"], env);
      assert.doesNotMatch((await again.end()).seen, /passphrase|agent/);
      assert.match(done(await machine.run(["agent", "stop"], { env })).stderr, /has ended/);
      refused(await machine.run(["get", "p", "--force"], { env }), 7, /needs a passphrase/);
    });
  }

  it("for a new sign-in starts it too, and logout has it forget the key", async () => {
    const login = startOnTerminal(machine, [
      ...["login", "p", ...at(provider), "--client-id", "password-client", "--flow", "password"],
      ...["--username", PASSWORD_USER.username, "--protect", "passphrase"],
    ], env);
    await login.reply(/A new passphrase for "p": /, `${PASSPHRASE}\r`);
    await login.reply(/The same again: /, `${PASSPHRASE}\r`);
    await login.reply(/not kept\): /, `${PASSWORD_USER.password}\r`);
    const { code, seen } = await login.end();
    assert.equal(code, 0, seen);
    assert.match(seen, NOTICE);
    done(await machine.run(["get", "p", "--force"], { env }));
    done(await machine.run(["logout", "p"], { env }));
    refused(await machine.run(["get", "p"], { env }), 4, /is not signed in/);
  });

  it("that a command then forgets, is no reason for an agent", async () => {
    await byPassphrase();
    const revoked = await typed(["logout", "p", "--revoke"]);
    assert.equal(revoked.code, 0, revoked.seen);
    assert.doesNotMatch(revoked.seen, /agent/);
    assert.equal(existsSync(socket()), false);
  });

  it("starts none where APEX_TOKEN_NO_AGENT says so, nor when the command was stopped", async () => {
    await byPassphrase();
    const told = await typed(["get", "p"], { APEX_TOKEN_NO_AGENT: "1" });
    assert.equal(told.code, 0, told.seen);
    assert.doesNotMatch(told.seen, /agent/);
    const person = startOnTerminal(machine, ["get", "p"], env);
    await person.reply(/The passphrase of "p": /, "\x03");
    assert.equal((await person.end()).code, 130);
    assert.equal(existsSync(socket()), false);
  });

  it("that comes from a file, and any other protection, starts none, terminal or not", async () => {
    await byPassphrase();
    const kinds = [["key", "key-file"], ["nothing", "memory"]];
    for (const [name, protect] of kinds) await signIn(machine, provider, name, ["--protect", protect]);
    for (const words of [["p", "--passphrase-file", file], ["key", "--force"]]) {
      const seen = await startOnTerminal(machine, ["get", ...words], env).end();
      assert.equal(seen.code, 0, seen.seen);
      assert.doesNotMatch(seen.seen, /agent/);
    }
    done(await machine.run(["get", "p", "--passphrase-file", file], { env }));
    refused(await machine.run(["get", "nothing"], { env }), 4);
    assert.equal(existsSync(socket()), false);
  });

  it("gives the token all the same when no agent can be started, and says why", async () => {
    await byPassphrase();
    // a file where the directory of its socket should be
    writeFileSync(join(machine.home, ".local/state/apex-token/run"), "");
    const { code, stdout, seen } = await typed(["get", "p"]);
    assert.equal(code, 0, seen);
    assert.match(stdout, /^eyJ/);
    assert.match(seen, /The agent did not start: \S.*passphrase will be asked for again/);
    assert.doesNotMatch(seen, /internal fault/);
    rmSync(join(machine.home, ".local/state/apex-token/run"));
  });

  it("goes to the agent that runs, which says nothing of it", async () => {
    await byPassphrase();
    done(await machine.run(["agent", "start"], { env }));
    const { code, seen } = await typed(["get", "p"]);
    assert.equal(code, 0, seen);
    assert.doesNotMatch(seen, /agent/);
    done(await machine.run(["get", "p", "--force"], { env }));
  });

  it("starts an agent that the tools of oidc-agent do not find until somebody starts it for them", async () => {
    await byPassphrase();
    assert.match((await typed(["get", "p"])).seen, NOTICE);
    const link = join(machine.home, `oidc-agent-service-${process.getuid!()}/oidc-agent.sock`);
    assert.equal(existsSync(link), false);
    const started = done(await machine.run(["agent", "start"], { env }));
    assert.match(started.stderr, /running already/);
    assert.ok(lstatSync(link).isSymbolicLink());
    done(await machine.run(["get", "p", "--force"], { env }));
  });

  it("starts an agent that ends with the directory of its socket", async () => {
    await byPassphrase();
    assert.match((await typed(["get", "p"])).seen, NOTICE);
    const pid = Number(readFileSync(pidPath(socket()), "utf8"));
    assert.ok(isAgent(pid));
    rmSync(join(machine.home, ".local/state/apex-token/run"), { recursive: true });
    while (isAgent(pid)) await new Promise((resolve) => setTimeout(resolve, 50));
  });
});

describe("a key that the agent holds", () => {
  it("is forgotten when nobody has used it for eight hours, by either clock", async () => {
    const clock = fakeClock();
    const place = await agentMachine({ host: { clock } });
    const { keys } = place.agent;
    try {
      await keys.put("a", KEY);
      await clock.advance(KEY_PATIENCE - 1);
      assert.deepEqual(await keys.get("a"), KEY, "which is a use");
      await clock.advance(KEY_PATIENCE - 1);
      assert.deepEqual(await keys.get("a"), KEY);
      assert.equal(place.agent.isEmpty(), false);
      await clock.advance(KEY_PATIENCE);
      assert.equal(place.agent.isEmpty(), true);
      assert.equal(await keys.get("a"), undefined);
    } finally {
      place.close();
    }
  });

  /** The life of an agent that somebody's passphrase has started. */
  async function temporary({ machine, agent }: AgentMachine, clock: FakeClock) {
    const socket = join(machine.home, "agent.sock");
    writeFileSync(socket, "");
    const life = lifetime({ clock, agent, socket, isAlone: () => false, temporary: true });
    let over = false;
    const told = new AbortController();
    const end = life.untilTheEnd(told.signal).then(() => void (over = true));
    await clock.untilWaiting();
    return { life, socket, end, isOver: () => over, tell: () => told.abort() };
  }

  it("keeps a temporary agent alive, which ends a minute after the last one", async () => {
    const clock = fakeClock();
    const place = await agentMachine({ host: { clock } });
    const { keys } = place.agent;
    try {
      const { end, isOver } = await temporary(place, clock);
      await clock.advance(50_000);
      await keys.put("a", KEY);
      await clock.advance(600_000);
      await keys.forget("a");
      await clock.advance(55_000);
      assert.equal(isOver(), false);
      await clock.advance(15_000);
      await end;
    } finally {
      place.close();
    }
  });

  it("is not what an agent stays for that somebody has started; its socket is, and that nobody tells it to end", async () => {
    const clock = fakeClock();
    const place = await agentMachine({ host: { clock } });
    try {
      const staying = await temporary(place, clock);
      assert.equal(staying.life.stay(), true);
      assert.equal(staying.life.stay(), false);
      await clock.advance(600_000);
      assert.equal(staying.isOver(), false);
      rmSync(staying.socket);
      await clock.advance(5_000);
      await staying.end;
      const told = await temporary(place, clock);
      told.tell();
      await told.end;
    } finally {
      place.close();
    }
  });
});
