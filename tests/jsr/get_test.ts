import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { decoded } from "../jwt.ts";
import {
  PASSWORD_USER,
  type RunningProvider,
  SERVICE_SECRET,
  startProvider,
} from "../interop/oidc_provider.ts";
import type { ProcessResult } from "../process.ts";
import { type JsrMachine, startJsrMachine } from "./jsr.ts";

describe("deno run -A jsr:@apex/token get", () => {
  let machine: JsrMachine;
  let provider: RunningProvider;

  before(async () => {
    [machine, provider] = await Promise.all([
      startJsrMachine(),
      startProvider({ accessTokenLifetime: 3600 }),
    ]);
  });
  after(async () => {
    await Promise.all([machine.close(), provider.close()]);
  });

  const done = (result: ProcessResult): string => {
    assert.equal(result.code, 0, result.stderr);
    return result.stdout;
  };

  it("gives a service in the environment a token", async () => {
    const env = {
      APEX_CLIENT_ID: "apex-service",
      APEX_CLIENT_SECRET: SERVICE_SECRET,
      APEX_ISSUER: provider.issuer,
    };
    const token = done(await machine.run(["get", "--allow-insecure-loopback"], { env }));
    const { header, claims: payload } = decoded(token);
    assert.deepEqual([header.typ, payload.client_id, payload.scope], [
      "at+jwt",
      "apex-service",
      "openid roles",
    ]);
  });

  it("gives a person the token that is at hand, and a new one with --force", async () => {
    const issuer = ["--issuer", provider.issuer, "--allow-insecure-loopback"];
    const how = [
      "--client-id",
      "password-client",
      "--flow",
      "password",
      "--username",
      PASSWORD_USER.username,
    ];
    const login = ["login", "p", ...issuer, ...how, "--password-file", "-"];
    assert.equal(done(await machine.run(login, { stdin: PASSWORD_USER.password })), "");
    const requests = provider.requests.length;
    const token = done(await machine.run(["get"]));
    assert.equal(done(await machine.run(["get"], { specifier: "jsr:@apex/token/cli" })), token);
    assert.equal(provider.requests.length, requests);
    assert.notEqual(done(await machine.run(["get", "--force"])), token);
    assert.equal(provider.count("/token", "refresh_token"), 1);
  });
});
