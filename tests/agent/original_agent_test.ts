import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { accountJson, accountOf } from "../../lib/agent/account_config.ts";
import { accountFiles } from "../../lib/agent/account_files.ts";
import { agent } from "../../lib/agent/client.ts";
import { type AccountMachine, accountMachine, ORIGINAL } from "./account_machine.ts";
import { type HttpServer, startHttpServer } from "./http_server.ts";

describe("our client, talking to the original agent", () => {
  let machine: AccountMachine;
  let http: HttpServer;
  let socket: string;
  let pid: number;
  const password = "pw1";

  before(async () => {
    machine = accountMachine();
    http = await startHttpServer();
    const { refresh_token } = await http.server.issue({ clientId: "app", scope: "openid offline_access" });
    const config = accountOf({
      name: "demo",
      // 4.x wants the slash, and finds no metadata without it
      issuer_url: `${http.server.issuer}/`,
      client_id: "app",
      refresh_token,
      auth_scope: "openid offline_access",
      redirect_uris: [],
    });
    await accountFiles(machine.host).replace("demo", JSON.stringify(accountJson(config)), { password });
    const started = await machine.run(`${ORIGINAL}oidc-agent`, [], { env: { TMPDIR: machine.home } });
    socket = /OIDC_SOCK=([^;]+)/.exec(started.stdout)![1];
    pid = Number(/OIDCD_PID=(\d+)/.exec(started.stdout)![1]);
    const added = await machine.run(`${ORIGINAL}oidc-add`, ["demo", "--pw-env=PW"], {
      env: { OIDC_SOCK: socket, PW: password },
    });
    assert.equal(added.code, 0, added.stderr);
  });
  after(async () => {
    process.kill(pid);
    await http.close();
    machine.close();
  });

  it("gets a token by account and by issuer, in the clear and encrypted", async () => {
    for (const encrypted of [true, false]) {
      const client = agent({ socket, encrypted });
      const { accessToken, issuer, expiresAt } = await client.getTokenResponse("demo");
      assert.match(accessToken, /^ey/);
      assert.equal(issuer.replace(/\/$/, ""), http.server.issuer);
      assert.ok(expiresAt > Date.now() / 1000);
      assert.equal(await client.getToken({ issuer: http.server.issuer }), accessToken);
    }
  });

  it("lists what is loaded, and gives the agent's words when it refuses", async () => {
    const client = agent({ socket });
    assert.deepEqual(await client.loadedAccounts(), ["demo"]);
    assert.match(String((await client.request({ request: "status" })).info), /accounts loaded: demo/);
    await assert.rejects(
      client.getToken("nobody"),
      /No account configured with that short name|account not loaded/,
    );
  });

  it("and the original program gets what ours gets", async () => {
    const { stdout } = await machine.run(`${ORIGINAL}oidc-token`, ["demo"], { env: { OIDC_SOCK: socket } });
    assert.equal(stdout.trim(), await agent({ socket }).getToken("demo"));
    assert.match(readFileSync(`${machine.directory}/demo`, "utf8"), /Generated using version/);
  });
});
