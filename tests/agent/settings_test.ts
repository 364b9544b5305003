import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { readArguments } from "../../lib/agent/commands/argp.ts";
import { agentOptions } from "../../lib/agent/commands/oidc_agent.ts";
import { OIDC_AGENT } from "../../lib/agent/commands/oidc_agent_options.ts";
import { settings } from "../../lib/agent/settings.ts";
import { type AccountMachine, accountMachine } from "./account_machine.ts";

describe("the config file of oidc-agent 5", () => {
  let machine: AccountMachine;
  before(() => {
    machine = accountMachine();
    mkdirSync(join(machine.home, "etc"));
  });
  after(() => machine.close());

  const optionsFor = (...args: string[]) => {
    const read = readArguments(OIDC_AGENT, args);
    assert.ok(!("fault" in read));
    return agentOptions(machine.host, read);
  };

  it("is not needed: what is convenient is on, what is not is off", () => {
    assert.deepEqual(settings(machine.host), {});
    assert.deepEqual(optionsFor(), {
      autoload: true,
      reauthenticate: true,
      webserver: true,
      customScheme: true,
      confirm: false,
      alwaysAllowIdToken: false,
    });
  });

  it("has comments; this person's goes before the machine's, and options before both", () => {
    const system = {
      "oidc-agent": { autoload: false, lifetime: 60 },
      "oidc-token": { "default-min-lifetime": 30 },
    };
    writeFileSync(join(machine.home, "etc/config"), `# the machine's\n${JSON.stringify(system)}\n`);
    machine.write("config", '{\n  # mine\n  "oidc-agent": { "autoload": true, "confirm": true }\n}\n');
    assert.deepEqual(settings(machine.host)["oidc-token"], { "default-min-lifetime": 30 });
    const { autoload, confirm, lifetime } = optionsFor("-t", "5");
    assert.deepEqual({ autoload, confirm, lifetime }, { autoload: true, confirm: true, lifetime: 5 });
    assert.equal(optionsFor("--no-autoload").autoload, false);
    assert.equal(optionsFor().lifetime, 60);
  });

  it("says nothing where it is broken", () => {
    machine.write("config", "{");
    assert.equal(optionsFor().autoload, false);
  });
});
