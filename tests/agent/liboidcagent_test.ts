import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { installLiboidcagent } from "../documents/liboidcagent.ts";
import { assertEndOf, claimsOf } from "../jwt.ts";
import { runProcess } from "../process.ts";
import { type AgentMachine, agentMachine } from "./agent_machine.ts";

describe("liboidcagent, unmodified, talking to this agent", () => {
  let place: AgentMachine;
  let env: Record<string, string>;
  before(async () => {
    const PYTHONPATH = await installLiboidcagent();
    place = await agentMachine();
    env = { PYTHONPATH, OIDC_SOCK: await place.listen() };
    await place.load("demo");
  });
  after(() => place.close());
  const run = (script: string) =>
    runProcess("/usr/bin/python3", ["-c", `import liboidcagent as agent\n${script}`], { env });

  it("gets a token by account and by issuer, with its issuer and its end", async () => {
    const { code, stdout, stderr } = await run(
      `token, issuer, expires_at = agent.get_token_response("demo")\n` +
        `print(token, issuer, expires_at)\n` +
        `print(*agent.get_token_response_by_issuer_url("${place.server.issuer}", min_valid_period=60))\n` +
        `print(agent.get_access_token("demo"))`,
    );
    assert.equal(code, 0, stderr);
    const [byName, byIssuer, token] = stdout.trim().split("\n");
    assert.match(byName, /^ey\S+ https:\/\/as\.test \d+$/);
    assert.equal(byIssuer, byName);
    assert.equal(token, byName.split(" ")[0]);
  });

  it("gets a token for a scope and an audience, with the end of that one", async () => {
    const { code, stdout, stderr } = await run(
      `print(*agent.get_token_response("demo", scope="openid", audience="https://api.test/", application_hint="tests"))`,
    );
    assert.equal(code, 0, stderr);
    const [token, , end] = stdout.trim().split(" ");
    assertEndOf(token, end);
    assert.deepEqual([claimsOf(token).aud].flat(), ["https://api.test/"]);
  });

  it("raises its own error, with the help that the agent gives", async () => {
    await place.account("locked");
    const { stdout } = await run(
      `try:\n  agent.get_access_token("locked")\nexcept agent.OidcAgentError as error:\n  print(error)`,
    );
    assert.match(stdout, /account not loaded[^]*oidc-add locked/);
  });
});
