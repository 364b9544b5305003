/**
 * `deno run -A jsr:@apex/token get`, the real specifier, against a real OpenID Provider.
 *
 * @module
 */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { decode } from "../interop/oidc_provider_client.ts";
import { type RunningProvider, SERVICE_SECRET, startProvider } from "../interop/oidc_provider.ts";
import { type JsrMachine, startJsrMachine } from "./jsr.ts";

describe("deno run -A jsr:@apex/token get", () => {
  let provider: RunningProvider;
  let machine: JsrMachine;

  before(async () => {
    provider = await startProvider({ path: "/realms/apex", interval: 1 });
    machine = await startJsrMachine();
  });
  after(async () => {
    await machine.close();
    await provider.close();
  });

  it("prints the token of a client from the environment", async () => {
    const env = {
      APEX_CLIENT_ID: "apex-service",
      APEX_CLIENT_SECRET: SERVICE_SECRET,
      APEX_ISSUER: provider.issuer,
    };
    const { code, stdout, stderr } = await machine.run(["get", "--allow-insecure-loopback"], { env });
    assert.equal(code, 0, stderr);
    assert.equal(decode(stdout).header.typ, "at+jwt");
    assert.equal(decode(stdout).payload.client_id, "apex-service");
  });

  it("signs in with a device code, prints the token, and prints it again without a request", async () => {
    const client = ["--client-id", "project-a-catalogue-dev-api", "--flow", "device"];
    const login = machine.start([
      "login",
      "apex",
      "--issuer",
      provider.issuer,
      "--allow-insecure-loopback",
      ...client,
    ]);
    const [, page, userCode] = await login.waitFor("stderr", /^ {4}(\S+)\n\nand enter the code\s+(\S+)/m);
    await provider.approveDevice(page, { userCode });
    assert.equal((await login.ended).code, 0);
    const requests = provider.requests.length;
    const first = await machine.run(["get", "apex"]);
    const second = await machine.run(["get", "apex"], { specifier: "jsr:@apex/token/cli" });
    assert.match(first.stdout, /^eyJ[\w.-]+\n$/, first.stderr);
    assert.equal(second.stdout, first.stdout);
    assert.equal(provider.requests.length, requests);
  });
});
