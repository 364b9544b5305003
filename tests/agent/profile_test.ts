import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { bun, node, root } from "../../scripts/toolchain.ts";
import { makeMachine } from "../cli/machine.ts";
import { type RunningProvider, startProvider } from "../interop/oidc_provider.ts";
import { signInService } from "../cli/sign_in.ts";
import { currentRuntime, runCli, runProcess, startDeno } from "../process.ts";
import { claimsOf } from "../jwt.ts";
import { type AgentMachine, agentMachine } from "./agent_machine.ts";

type Line = Readonly<Record<string, unknown>>;

/** Runs a program of a user, with the runtime of this test. */
async function asked(env: Record<string, string>, name: string, ...wishes: object[]): Promise<Line[]> {
  const script = `${root}tests/agent/programs/ask_profile.ts`;
  const args = [script, name, ...wishes.map((wish) => JSON.stringify(wish))];
  const { code, stdout, stderr } = await {
    deno: () => startDeno(["run", "-A", "--cached-only", "--no-check", ...args], { env }).ended,
    bun: () => runProcess(bun(), args, { env }),
    node: () => runProcess(node(), args, { env }),
  }[currentRuntime()]();
  assert.equal(code, 0, stderr);
  return stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
}

describe("profile() of the SDK, given the name of an account of oidc-agent", () => {
  let place: AgentMachine;
  let env: Record<string, string>;
  beforeEach(async () => {
    place = await agentMachine();
    env = {
      HOME: place.machine.home,
      APEX_TOKEN_OIDC_AGENT_ETC: place.machine.home,
      OIDC_SOCK: await place.listen(),
    };
  });
  afterEach(() => place.close());

  it("has the token of the agent that holds it, narrowed and renewed as asked, as `get` has it", async () => {
    await place.load("demo");
    const wish = { scope: "openid", audience: "https://api.test/" };
    const [one, again, narrow, forced] = await asked(env, "demo", {}, {}, wish, { force: true });
    const { access_token, expires_at } = await place.ask({ request: "access_token", account: "demo" });
    assert.deepEqual(one, again);
    assert.notEqual(forced.accessToken, one.accessToken);
    assert.deepEqual(forced, { accessToken: access_token, expiresAt: expires_at });
    const claims = claimsOf(String(narrow.accessToken));
    assert.deepEqual([claims.scope, [claims.aud].flat()], ["openid", ["https://api.test/"]]);
    const { stdout } = await runCli(["get", "demo"], { env });
    assert.equal(stdout, `${access_token}\n`);
  });

  it("finds it where the agent alone has it: its file may be on another machine", async () => {
    await place.load("demo");
    const away = { ...env, OIDC_CONFIG_DIR: `${place.machine.home}/nowhere` };
    const [{ accessToken }] = await asked(away, "demo", {});
    assert.match(String(accessToken), /^ey/);
    const { code, stdout } = await runCli(["get", "demo"], { env: away });
    assert.deepEqual([code, stdout], [0, `${accessToken}\n`]);
  });

  it("asks nobody for a password, and names the command", async () => {
    await place.account("demo", {}, { password: "pw1" });
    for (const surroundings of [env, { ...env, OIDC_SOCK: "/nowhere/at/all" }]) {
      const [{ code, nextStep }] = await asked(surroundings, "demo", {});
      assert.equal(code, "key");
      assert.match(String(nextStep), /oidc-add demo/);
    }
  });

  it("says that there is neither a profile nor an account of that name", async () => {
    const [{ code, message }] = await asked(env, "nobody", {});
    assert.deepEqual([code, message], ["unknown_profile", 'There is no profile "nobody"']);
  });
});

describe("profile() of the SDK, given the name of both", () => {
  it("has the profile", async () => {
    const machine = await makeMachine();
    let provider: RunningProvider | undefined;
    const place = await agentMachine();
    try {
      provider = await startProvider();
      await signInService(machine, provider, "demo", ["--scope", "roles"]);
      await place.load("demo");
      const env = { ...machine.environment, OIDC_SOCK: await place.listen() };
      const [{ accessToken }] = await asked(env, "demo", {});
      assert.equal(claimsOf(String(accessToken)).iss, provider.issuer);
    } finally {
      place.close();
      await provider?.close();
      machine.close();
    }
  });
});
