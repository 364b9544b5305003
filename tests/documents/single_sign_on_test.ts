/**
 * "Using the APEx Single Sign-On": every command line of it as printed, in a shell, under the issuer's own name.
 *
 * @module
 */

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { installLiboidcagent, ownPython } from "./liboidcagent.ts";
import type { Realm } from "./realm.ts";
import { shellInRealm } from "./realm_shell.ts";
import { openShell, type Shell } from "./shell.ts";

const START = "eval `oidc-agent-service start`";
const GENERATE = "oidc-gen --pub apex_project_a --flow=device --client-id=project-a-catalogue-dev-api " +
  '--iss=https://auth.apex.esa.int/realms/apex --scope=openid --redirect-url=""';
const TOKEN = "oidc-token apex_project_a";

describe("the document on APEx's single sign-on", () => {
  let realm: Realm;
  let shell: Shell;
  shellInRealm("oidc-agent-service stop", (...made) => [realm, shell] = made);

  it("starts the agent, and prints its process id", async () => {
    const { seen, code } = await shell.type(START);
    assert.equal(code, 0);
    assert.match(seen, /^\d+\n$/);
    assert.match((await shell.type("echo $OIDC_SOCK $OIDCD_PID")).seen, /^\/\S+ \d+\n$/);
  });

  it("makes the account: page and code are shown, the password is asked for twice", async () => {
    const password = "Enter encryption password for account configuration 'apex_project_a': ";
    const { seen, code } = await shell.type(
      GENERATE,
      [/And enter the code: (\S+)\s/, ([, userCode]) => realm.wish({ approve: "apex", userCode })],
      [new RegExp(password), "correct horse\n"],
      [/Confirm encryption Password: /, "correct horse\n"],
    );
    assert.equal(code, 0, seen);
    assert.match(
      seen,
      /^No account exists with this short name\. Creating new configuration \.\.\.\nGenerating account configuration \.\.\.\naccepted\n\nUsing a browser on any device, visit:\nhttps:\/\/auth\.apex\.esa\.int\/realms\/apex\/device\n\nAnd enter the code: [A-Z-]+\n/,
    );
    assert.doesNotMatch(seen, /Client_secret|correct horse/);
    assert.match(seen, /Everything setup correctly!\n$/);
    const file = join(realm.home, ".oidc-agent/apex_project_a");
    const config = join(realm.home, ".config/oidc-agent/apex_project_a");
    const path = [file, config].find((one) => statSync(one, { throwIfNoEntry: false }))!;
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.match(
      readFileSync(path, "utf8"),
      /\n24:16:16:32:1:2:67108864:2\n[^]*\nGenerated using version: 5\.3\.3$/,
    );
  });

  it("prints a token, the same one as long as it is good", async () => {
    const { seen, code } = await shell.type(TOKEN);
    assert.equal(code, 0, seen);
    assert.match(seen, /^ey[\w-]+\.[\w-]+\.[\w-]+\n$/);
    assert.equal((await shell.type(TOKEN)).seen, seen);
    const before = await realm.wish<string[]>({ requests: "apex" });
    await shell.type(TOKEN);
    assert.deepEqual(await realm.wish<string[]>({ requests: "apex" }), before);
  });

  it("gives it to the document's Python, with liboidcagent as it is on PyPI", async () => {
    writeFileSync(
      join(realm.home, "lines.py"),
      "import liboidcagent as agent\n\n" +
        'token, issuer, expires_at = agent.get_token_response("apex_project_a")\n' +
        "print(token, issuer, expires_at)\n" +
        'print(agent.get_access_token_by_issuer_url("https://auth.apex.esa.int/realms/apex"))\n',
    );
    const { seen, code } = await shell.type(`PYTHONPATH=${await installLiboidcagent()} python3 ~/lines.py`);
    assert.equal(code, 0, seen);
    const [token, issuer, expiresAt, again] = seen.trim().split(/\s+/);
    assert.equal(`${token}\n`, (await shell.type(TOKEN)).seen);
    assert.equal(issuer.replace(/\/$/, ""), "https://auth.apex.esa.int/realms/apex");
    assert.equal(`${expiresAt}\n`, (await shell.type("oidc-token -e apex_project_a")).seen);
    assert.equal(again, token);
  });

  it("gives it to the Python of our documentation, of at most 60 lines", async () => {
    assert.ok(ownPython().trimEnd().split("\n").length <= 60);
    mkdirSync(join(realm.home, "own"), { recursive: true });
    for (const name of ["apex_token.py", "liboidcagent.py"]) {
      writeFileSync(join(realm.home, "own", name), ownPython());
    }
    const python = (program: string) => shell.type(`PYTHONPATH=~/own python3 -c '${program}'`);
    const { seen: token } = await shell.type(TOKEN);
    assert.equal(
      (await python('import apex_token; print(apex_token.get_access_token("apex_project_a"))')).seen,
      token,
    );
    const response = 'print(*agent.get_token_response("apex_project_a", 60, scope="openid"))';
    assert.match((await python(`import liboidcagent as agent; ${response}`)).seen, /^ey\S+ https:\S+ \d+\n$/);
    const unknown = await python('import apex_token; apex_token.get_access_token("nobody")');
    assert.equal(unknown.code, 1);
    assert.match(unknown.seen, /OidcAgentError: No account configured with that short name/);
  });

  it("serves the original's oidc-token, oidc-add and oidc-gen", async () => {
    assert.equal(
      (await shell.type("/usr/bin/oidc-token apex_project_a")).seen,
      (await shell.type(TOKEN)).seen,
    );
    assert.match((await shell.type("/usr/bin/oidc-add -l")).seen, /usable: \napex_project_a\n$/);
    assert.match((await shell.type("/usr/bin/oidc-add -a")).seen, /loaded: \napex_project_a\n$/);
    const printed = await shell.type('/usr/bin/oidc-gen -p apex_project_a --pw-cmd="echo correct horse"');
    assert.equal(printed.code, 0, printed.seen);
    assert.equal(JSON.parse(printed.seen).client_id, "project-a-catalogue-dev-api");
  });

  it("locks, and unlocks what has no client secret", async () => {
    const locked = await shell.type(
      "oidc-add -x",
      [/Enter lock password: /, "lk\n"],
      [/Confirm lock password: /, "lk\n"],
    );
    assert.match(locked.seen, /success\n$/);
    assert.deepEqual(await shell.type(TOKEN), { seen: "Error: Agent locked\n", code: 1 });
    const wrong = await shell.type("oidc-add -X", [/Enter lock password: /, "no\n"]);
    assert.match(wrong.seen, /Error: wrong password\n$/);
    assert.match((await shell.type("oidc-add -X", [/Enter lock password: /, "lk\n"])).seen, /success\n$/);
    assert.match((await shell.type(TOKEN)).seen, /^ey/);
  });

  it("works in a second terminal", async () => {
    const second = await openShell(realm);
    try {
      await second.type(START);
      assert.equal((await second.type(TOKEN)).seen, (await shell.type(TOKEN)).seen);
    } finally {
      await second.end();
    }
  });

  it("asks again when two passwords differ, and makes an account that exists anew", async () => {
    const password = /Enter encryption password for account configuration 'second': /;
    const line = GENERATE.replace("apex_project_a", "second");
    const approve = [
      /And enter the code: (\S+)\s/,
      ([, userCode]: RegExpExecArray) => realm.wish({ approve: "apex", userCode }),
    ] as const;
    const { seen, code } = await shell.type(
      line,
      approve,
      [password, "pw1\n"],
      [/Confirm encryption Password: /, "pw2\n"],
      [password, "pw1\n"],
      [/Confirm encryption Password: /, "pw1\n"],
    );
    assert.equal(code, 0, seen);
    assert.match(seen, /Encryption passwords did not match\./);
    const again = await shell.type(
      line,
      [/Enter decryption password for account config 'second': /, "pw1\n"],
      approve,
      [/Enter encryption password for account configuration 'second' \[\*\*\*\]: /, "\n"],
    );
    assert.equal(again.code, 0, again.seen);
    assert.doesNotMatch(again.seen, /No account exists/);
    assert.equal((await shell.type("oidc-gen -l")).seen.split("\n").length, 4);
  });

  it("keeps the sign-in over the end of the agent, also after a rotation", async () => {
    const first = (await shell.type("oidc-token -f apex_project_a")).seen;
    assert.match(first, /^ey/);
    await shell.type("oidc-agent-service restart >/dev/null; " + START);
    const added = await shell.type(
      "oidc-add apex_project_a",
      [/Enter decryption password for account config 'apex_project_a': /, "correct horse\n"],
    );
    assert.equal(added.code, 0, added.seen);
    assert.match(added.seen, /success\n$/);
    assert.match((await shell.type("oidc-token -f apex_project_a")).seen, /^ey/);
  });
});
