import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { assertEndOf, claimsOf } from "../jwt.ts";
import { type AgentMachine, agentMachine } from "./agent_machine.ts";
import { ORIGINAL } from "./account_machine.ts";

describe("the original programs, talking to this agent", () => {
  let place: AgentMachine;
  let socket: string;
  beforeEach(async () => {
    place = await agentMachine();
    socket = await place.listen();
  });
  afterEach(() => place.close());
  const run = (tool: string, args: readonly string[], env: Record<string, string> = {}) =>
    place.machine.run(`${ORIGINAL}${tool}`, args, { env: { OIDC_SOCK: socket, ...env } });

  it("oidc-token prints the token, and with -a the issuer and the end of it", async () => {
    await place.load("demo");
    const first = await run("oidc-token", ["demo"]);
    assert.deepEqual([first.code, first.stderr], [0, ""]);
    assert.match(first.stdout, /^ey\S+\n$/);
    const { stdout } = await run("oidc-token", ["-a", "demo"]);
    const [token, issuer, end] = stdout.split("\n");
    assert.equal(token, first.stdout.trim());
    assert.equal(issuer, place.server.issuer);
    assert.ok(Number(end) > Date.now() / 1000);
  });

  it("oidc-token narrows a token, and gets the end of that one", async () => {
    await place.load("demo");
    await run("oidc-token", ["demo"]);
    const { stdout } = await run("oidc-token", ["-s", "openid", "--aud", "https://api.test/", "-a", "demo"]);
    const [token, , end] = stdout.split("\n");
    assert.deepEqual([claimsOf(token).aud].flat(), ["https://api.test/"]);
    assertEndOf(token, end);
  });

  it("oidc-token finds an account by its issuer", async () => {
    await place.load("demo");
    const byName = await run("oidc-token", ["demo"]);
    const byIssuer = await run("oidc-token", [place.server.issuer]);
    assert.deepEqual(byIssuer, byName);
  });

  it("oidc-token says what is wrong as it always did", async () => {
    await place.load("demo");
    assert.match((await run("oidc-token", ["nobody"])).stderr, /No account configured with that short name/);
    place.server.revokeSession("ada");
    const { code, stdout, stderr } = await run("oidc-token", ["demo"]);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /invalid_grant/);
  });

  it("oidc-add -l lists, loads with a password, and oidc-token then gets a token", async () => {
    await place.account("demo", {}, { password: "pw1" });
    assert.match((await run("oidc-add", ["-l"])).stdout, /^demo$/m);
    const added = await run("oidc-add", ["demo", "--pw-env=PW"], { PW: "pw1" });
    assert.equal(added.code, 0, added.stderr);
    assert.match(added.stdout, /success/);
    assert.match((await run("oidc-add", ["-a"])).stdout, /^demo$/m);
    assert.match((await run("oidc-token", ["demo"])).stdout, /^ey\S+\n$/);
    assert.equal((await run("oidc-add", ["-r", "demo"])).code, 0);
    assert.equal((await run("oidc-add", ["-a"])).stdout.includes("demo"), false);
  });

  it("oidc-agent --status tells of this agent", async () => {
    await place.load("demo");
    const { stdout } = await run("oidc-agent", ["--status"]);
    assert.match(stdout, /of apex-token/);
    assert.match(stdout, /1 accounts loaded: demo/);
  });

  it("oidc-gen -p prints the account that this agent writes", async () => {
    await place.account("demo", {}, { password: "pw1" });
    const added = await run("oidc-add", ["demo", "--pw-store", "--pw-env=PW"], { PW: "pw1" });
    assert.equal(added.code, 0, added.stderr);
    const before = JSON.parse((await run("oidc-gen", ["-p", "demo", "--pw-env=PW"], { PW: "pw1" })).stdout);
    await run("oidc-token", ["-f", "demo"]);
    const after = JSON.parse((await run("oidc-gen", ["-p", "demo", "--pw-env=PW"], { PW: "pw1" })).stdout);
    assert.notEqual(after.refresh_token, before.refresh_token);
    assert.equal(after.scope, before.scope);
  });
});
