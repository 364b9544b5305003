import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { assignAccount, issuerSettings, unassignAccount } from "../../lib/agent/issuer_config.ts";
import { withoutDoubles } from "../../lib/agent/json_members.ts";
import { type AccountMachine, accountMachine } from "./account_machine.ts";

describe("issuer.config", () => {
  let machine: AccountMachine;
  beforeEach(() => machine = accountMachine());
  afterEach(() => machine.close());

  function writeSystem(name: string, text: string): void {
    mkdirSync(join(machine.home, "etc/issuer.config.d"), { recursive: true });
    writeFileSync(join(machine.home, "etc", name), text);
  }

  it("says nothing where there is no file", () => {
    assert.deepEqual(issuerSettings(machine.host), []);
  });

  it("merges this person's files with the machine's, field by field, slash or no slash", () => {
    machine.write(
      "issuer.config",
      JSON.stringify([{ issuer: "https://one.example/", accounts: ["a", "b"], default_account: "b" }]),
    );
    writeSystem(
      "issuer.config.d/10-one",
      JSON.stringify({
        issuer: "https://one.example",
        pubclient: { client_id: "public", scope: "openid profile", flow: ["device"] },
        legacy_aud_mode: true,
        contact: "help@one.example",
      }),
    );
    assert.deepEqual(issuerSettings(machine.host), [{
      issuer: "https://one.example/",
      accounts: ["a", "b"],
      defaultAccount: "b",
      publicClient: { clientId: "public", scope: "openid profile", flows: ["device"] },
      legacyAudience: true,
      contact: "help@one.example",
    }]);
  });

  it("reads the files of 4.x: accounts of a person, registration pages of the machine, public clients", () => {
    machine.write("issuer.config", "https://one.example/ mine\n");
    writeSystem("issuer.config", "https://one.example/ https://one.example/dynreg help@one.example\n\n");
    writeSystem(
      "pubclients.config",
      "# a comment\n\nid-1:secret@https://one.example/@openid profile\nid-2@https://two.example/\n",
    );
    assert.deepEqual(issuerSettings(machine.host), [
      {
        issuer: "https://one.example/",
        accounts: ["mine"],
        defaultAccount: "mine",
        registrationPage: "https://one.example/dynreg",
        contact: "help@one.example",
        publicClient: { clientId: "id-1", clientSecret: "secret", scope: "openid profile" },
      },
      { issuer: "https://two.example/", accounts: [], publicClient: { clientId: "id-2" } },
    ]);
  });

  it("reads what Debian installs in /etc/oidc-agent", () => {
    const machine = accountMachine({ APEX_TOKEN_OIDC_AGENT_ETC: "/etc/oidc-agent" });
    try {
      const wlcg = issuerSettings(machine.host).find(({ issuer }) =>
        issuer === "https://wlcg.cloud.cnaf.infn.it/"
      );
      assert.equal(wlcg?.publicClient?.clientId, "7d6ad1c2-6647-4846-b0d5-c9f6ad0987d0");
      assert.match(wlcg?.registrationPage ?? "", /dynreg/);
    } finally {
      machine.close();
    }
  });

  it("assigns and forgets accounts in JSON, and keeps what else is there", () => {
    machine.write("issuer.config", '[{"issuer":"https://one.example","contact":"x@y"}]');
    assignAccount(machine.host, "https://one.example/", "a");
    assignAccount(machine.host, "https://two.example", "b");
    assignAccount(machine.host, "https://two.example", "b");
    assert.deepEqual(JSON.parse(machine.read("issuer.config")), [
      { issuer: "https://one.example", contact: "x@y", accounts: ["a"] },
      { issuer: "https://two.example", accounts: ["b"] },
    ]);
    unassignAccount(machine.host, "a");
    unassignAccount(machine.host, "b");
    assert.deepEqual(JSON.parse(machine.read("issuer.config")), [
      { issuer: "https://one.example", contact: "x@y", accounts: [] },
    ]);
  });

  it("keeps a file of 4.x in its form, so that 4.x can go on reading it", () => {
    machine.write("issuer.config", "https://one.example/ a");
    assignAccount(machine.host, "https://two.example/", "b");
    assert.equal(machine.read("issuer.config"), "https://one.example/ a\nhttps://two.example/ b");
    unassignAccount(machine.host, "a");
    assert.equal(machine.read("issuer.config"), "https://two.example/ b");
  });
});

describe("an account's JSON with members that are there twice", () => {
  it("keeps the first that says something", () => {
    const text = '{"a":"","cert_path":"/x","b":[1,"{"],"a":"said","cert_path":"","c":{"a":1}}';
    assert.deepEqual(JSON.parse(withoutDoubles(text)), {
      a: "said",
      cert_path: "/x",
      b: [1, "{"],
      c: { a: 1 },
    });
  });

  it("leaves text without doubles as it is", () => {
    const text = '{\n\t"a":\t1,\n\t"b": {"a": "\\"}"}\n}';
    assert.equal(withoutDoubles(text), text);
  });
});
