import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { accountJson, accountOf, sameIssuer } from "../../lib/agent/account_config.ts";

/** What 4.2.6 keeps after a registration, with the members twice that its merge leaves. */
const OF_4 = `{"name":"wlcg","client_name":"oidc-agent:wlcg","issuer_url":"https://wlcg.example/",
  "device_authorization_endpoint":"https://wlcg.example/devicecode","daeSetByUser":0,"client_id":"id","client_secret":"s",
  "refresh_token":"rt","cert_path":"","scope":"openid offline_access","audience":"","redirect_uris":["http://localhost:4242"],
  "username":"","password":"","client_id_issued_at":17,"registration_access_token":"rat",
  "registration_client_uri":"https://wlcg.example/register/id","cert_path":"/ca.pem","audience":""}`;

describe("accountOf", () => {
  it("reads an account of oidc-agent 4, with members that are there twice", () => {
    const account = accountOf(JSON.parse(OF_4));
    assert.equal(account.name, "wlcg");
    assert.equal(account.scope, "openid offline_access");
    assert.equal(account.certPath, "/ca.pem");
    assert.equal(account.audience, undefined);
    assert.equal(account.registrationAccessToken, "rat");
    assert.deepEqual(account.others, { client_id_issued_at: 17 });
  });

  it("prefers the scope of 5 to that of 4, and a public client has no secret", () => {
    const account = accountOf({
      name: "a",
      issuer: "https://i.example",
      scope: "old",
      auth_scope: "new",
      refresh_scope: "less",
      client_secret: "",
    });
    assert.equal(account.scope, "new");
    assert.equal(account.refreshScope, "less");
    assert.equal(account.issuer, "https://i.example");
    assert.equal(account.clientSecret, undefined);
  });

  it("refuses what is no account", () => {
    for (const value of [null, 1, "x", [], { client_id: 7 }]) {
      assert.throws(() => accountOf(value), { code: "storage" });
    }
  });
});

describe("accountJson", () => {
  it("writes what it read, with both spellings of the scope and what nobody here knows", () => {
    const account = { ...accountOf(JSON.parse(OF_4)), memory: { signedInAt: 5 } };
    const json = accountJson(account);
    assert.equal(json.auth_scope, json.scope);
    assert.equal(json.client_id_issued_at, 17);
    assert.equal(json.daeSetByUser, 0);
    assert.deepEqual(accountOf(JSON.parse(JSON.stringify(json))).memory, { signedInAt: 5 });
    assert.deepEqual(accountJson(accountOf(json)), json);
  });
});

describe("sameIssuer", () => {
  it("forgives one slash at the end", () => {
    assert.ok(sameIssuer("https://i.example/r", "https://i.example/r/"));
    assert.ok(!sameIssuer("https://i.example/r", "https://i.example/R"));
    assert.ok(!sameIssuer("https://i.example", "https://i.example//"));
  });
});
