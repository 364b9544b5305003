import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, renameSync, rmSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { root } from "../../scripts/toolchain.ts";
import { runProcess } from "../process.ts";
import { type AgentMachine, agentMachine } from "./agent_machine.ts";

const VERSION = "0.6.0";

/** The library as PyPI has it, in an environment of its own that is made once. */
function python(): string {
  const folder = `${root}.cache/liboidcagent-${VERSION}`;
  if (!existsSync(folder)) {
    const making = `${folder}.${crypto.randomUUID()}`;
    execFileSync("python3", ["-m", "venv", making]);
    execFileSync(`${making}/bin/python`, ["-m", "pip", "install", "--quiet", `liboidcagent==${VERSION}`], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    if (existsSync(folder)) rmSync(making, { recursive: true });
    else renameSync(making, folder);
  }
  return `${folder}/bin/python`;
}

describe("liboidcagent, unmodified, talking to this agent", () => {
  let place: AgentMachine;
  let program: string;
  let socket: string;
  before(async () => {
    program = python();
    place = await agentMachine();
    socket = await place.listen();
    await place.load("demo");
  });
  after(() => place.close());
  const run = (script: string) =>
    runProcess(program, ["-c", `import liboidcagent as agent\n${script}`], { env: { OIDC_SOCK: socket } });

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
    const claims = JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
    assert.equal(String(claims.exp), end);
    assert.deepEqual([claims.aud].flat(), ["https://api.test/"]);
  });

  it("raises its own error, with the help that the agent gives", async () => {
    await place.account("locked");
    const { stdout } = await run(
      `try:\n  agent.get_access_token("locked")\nexcept agent.OidcAgentError as error:\n  print(error)`,
    );
    assert.match(stdout, /account not loaded[^]*oidc-add locked/);
  });
});
