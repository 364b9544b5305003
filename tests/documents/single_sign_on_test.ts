/**
 * "Using the APEx Single Sign-On": every command line of it as printed, in a shell, under the issuer's own name.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { makeRealm, type Realm } from "./realm.ts";
import { openShell, type Shell } from "./shell.ts";

const START = "eval `oidc-agent-service start`";
const GENERATE = "oidc-gen --pub apex_project_a --flow=device --client-id=project-a-catalogue-dev-api " +
  '--iss=https://auth.apex.esa.int/realms/apex --scope=openid --redirect-url=""';
const TOKEN = "oidc-token apex_project_a";

describe("the document on APEx's single sign-on", () => {
  let realm: Realm;
  let shell: Shell;
  before(async () => {
    realm = await makeRealm();
    shell = await openShell(realm);
  });
  after(async () => {
    await shell?.type("oidc-agent-service stop");
    await shell?.end();
    await realm?.close();
  });

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
      [/And enter the code: (\S+)/, ([, userCode]) => realm.wish({ approve: "apex", userCode })],
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

  it("works in a second terminal", async () => {
    const second = await openShell(realm);
    try {
      await second.type(START);
      assert.equal((await second.type(TOKEN)).seen, (await shell.type(TOKEN)).seen);
    } finally {
      await second.end();
    }
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
