/**
 * "Obtaining an IAM access token from a CLI": every command line of it as printed, in a shell, under the issuer's own
 * name.
 *
 * @module
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { assertEndOf, claimsOf } from "../jwt.ts";
import type { Realm } from "./realm.ts";
import { shellInRealm } from "./realm_shell.ts";
import type { Reply, Shell } from "./shell.ts";

describe("the document on access tokens of an IAM", () => {
  let realm: Realm;
  let shell: Shell;
  shellInRealm("oidc-agent -k", (...made) => [realm, shell] = made);

  it("eval $(oidc-agent)", async () => {
    const { seen, code } = await shell.type("eval $(oidc-agent)");
    assert.equal(code, 0);
    assert.match(seen, /^Agent pid \d+\n$/);
  });

  const approve: Reply = [
    /And enter the code: (\S+)\s/,
    ([, userCode]) => realm.wish({ approve: "iam", userCode }),
  ];
  const passwords: Reply[] = [
    [/Enter encryption password for account configuration 'wlcg': /, "hunter2\n"],
    [/Confirm encryption Password: /, "hunter2\n"],
  ];

  it("oidc-gen -w device wlcg: an issuer by its number, the scopes by max, a client of its own", async () => {
    const { seen, code } = await shell.type(
      "oidc-gen -w device wlcg",
      [/Issuer \[https:\/\/wlcg\.cloud\.cnaf\.infn\.it\/\]: /, "1\n"],
      [/Scopes or 'max' \(space separated\) \[openid profile offline_access\]: /, "max\n"],
      approve,
      ...passwords,
    );
    assert.equal(code, 0, seen);
    assert.match(
      seen,
      /^\[1\] https:\/\/wlcg\.cloud\.cnaf\.infn\.it\/\n\[2\] https:\/\/iam-test\.indigo-datacloud\.eu\/\n/,
    );
    assert.match(seen, /\n\[20\] https:\/\/oidc\.scc\.kit\.edu\/auth\/realms\/kit\/\n/);
    assert.match(seen, /The following scopes are supported: openid .*storage\.read:\//);
    assert.match(seen, /\nRegistering Client \.\.\.\nGenerating account configuration \.\.\.\naccepted\n/);
    assert.match(seen, /Everything setup correctly!\n$/);
    assert.equal((await realm.wish<string[]>({ clients: true })).length, 1);
  });

  it("oidc-add -l", async () => {
    assert.deepEqual(await shell.type("oidc-add -l"), {
      seen: "The following account configurations are usable: \nwlcg\n",
      code: 0,
    });
  });

  it("oidc-add wlcg", async () => {
    assert.deepEqual(await shell.type("oidc-add wlcg"), { seen: "Account 'wlcg' already loaded\n", code: 0 });
    await shell.type("oidc-add -r wlcg");
    const asks = /Enter decryption password for account config 'wlcg': /;
    const refused = await shell.type("oidc-add wlcg", [asks, "bad\n"], [asks, "bad\n"], [asks, "bad\n"]);
    assert.equal(refused.code, 1);
    assert.match(refused.seen, /(?:Error: reached maximum number of tries\n){2}$/);
    const { seen, code } = await shell.type(
      "oidc-add wlcg",
      [/Enter decryption password for account config 'wlcg': /, "hunter2\n"],
    );
    assert.equal(code, 0, seen);
    assert.match(seen, /success\n$/);
  });

  it("oidc-token wlcg", async () => {
    const { seen } = await shell.type("oidc-token wlcg");
    const { scope, iss } = claimsOf(seen);
    assert.equal(iss, "https://wlcg.cloud.cnaf.infn.it");
    assert.ok(
      ["openid", "storage.read:/", "storage.create:/", "wlcg.groups"].every((one) => scope.includes(one)),
    );
  });

  it("oidc-token -s storage.read:/ wlcg", async () => {
    const { seen } = await shell.type("oidc-token -s storage.read:/ wlcg");
    assert.equal(claimsOf(seen).scope, "storage.read:/");
    const { seen: expiresAt } = await shell.type("oidc-token -e -s storage.read:/ wlcg");
    assertEndOf(seen, expiresAt);
  });

  it("oidc-token --aud example.audience -s storage.read:/ wlcg", async () => {
    const { seen } = await shell.type("oidc-token --aud example.audience -s storage.read:/ wlcg");
    const { scope, aud } = claimsOf(seen);
    assert.equal(scope, "storage.read:/");
    assert.deepEqual([aud].flat(), ["example.audience"]);
  });

  it("oidc-gen -p wlcg", async () => {
    const { seen, code } = await shell.type(
      "oidc-gen -p wlcg",
      [/Enter decryption password for account config 'wlcg': /, "hunter2\n"],
    );
    assert.equal(code, 0, seen);
    const text = seen.slice(seen.indexOf("{"));
    assert.match(
      text,
      /^\{\n\t"name":\t"wlcg",\n\t"client_name":\t"oidc-agent:wlcg-[^"]*",\n\t"issuer_url":\t"https:\/\/wlcg/,
    );
    const account = JSON.parse(text);
    for (
      const member of [
        "client_id",
        "client_secret",
        "refresh_token",
        "registration_access_token",
        "scope",
        "auth_scope",
      ]
    ) assert.ok(account[member], member);
    assert.ok(account.grant_types.includes("urn:ietf:params:oauth:grant-type:device_code"));
    assert.ok(account.grant_types.includes("refresh_token"));
    assert.match(account.registration_client_uri, /^https:\/\/wlcg\.cloud\.cnaf\.infn\.it\//);
  });

  it("oidc-gen -d wlcg deletes the client at the server, too", async () => {
    const { seen, code } = await shell.type(
      "oidc-gen -d wlcg",
      [/Enter decryption password for account config 'wlcg': /, "hunter2\n"],
      [/Do you really want to delete this configuration\? \[No\/yes\/quit\]: /, "yes\n"],
      [/Do you also want to delete the client at the server\? \[Yes\/no\/quit\]: /, "\n"],
    );
    assert.equal(code, 0, seen);
    assert.match(seen, /Successfully deleted account configuration\.\n$/);
    assert.deepEqual(await realm.wish({ clients: true }), []);
    assert.equal((await shell.type("oidc-add -l")).seen.includes("wlcg"), false);
  });
});
