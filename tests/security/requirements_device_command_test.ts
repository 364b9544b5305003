/**
 * Requirements on what a person sees of a sign-in with a device code (RFC 8628, draft-ietf-oauth-cross-device-security).
 */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { newHome } from "./command_line.ts";
import { serve, type ServedAuthorizationServer } from "./served.ts";

describe("a sign-in on the command line with a device code", () => {
  const home = newHome();
  const served: ServedAuthorizationServer[] = [];
  after(async () => {
    home.remove();
    for (const { close } of served) await close();
  });

  async function login(...more: string[]): Promise<{ there: ServedAuthorizationServer; args: string[] }> {
    const there = await serve({ interval: 1, clients: [{ clientId: "my-app" }] });
    served.push(there);
    const args = [
      "login",
      "x",
      "--issuer",
      there.origin,
      "--client-id",
      "my-app",
      "--allow-insecure-loopback",
      ...more,
    ];
    return { there, args };
  }

  it("D2 shows the user code and the page without it, even where the server gives one page with both", async () => {
    const { there, args } = await login();
    const running = home.start(args);
    const [, code] = await running.waitFor("stderr", /enter the code {3}(\S+) /);
    there.server.approveDevice(code);
    const { stderr } = await running.ended;
    assert.match(stderr, new RegExp(`^ {4}${there.origin}/device$`, "m"));
  });

  it("D7 ends when the code runs out, and only a new command starts again", async () => {
    const { there, args } = await login();
    const running = home.start(args);
    const [, code] = await running.waitFor("stderr", /enter the code {3}(\S+) /);
    there.server.expireDevice(code);
    const { code: exit, stderr, stdout } = await running.ended;
    assert.deepEqual([exit, stdout], [4, ""]);
    assert.match(stderr, /ran out.*\n.*sign-in again/i);
    assert.equal(there.server.count("device_authorization"), 1);
  });

  it("D8 says where to, for whom and for what, and to go on only if one started it; D12 never shows the device code", async () => {
    const { there, args } = await login("--scope", "openid profile");
    const page = { verification_uri: "https://exämple.test/device", verification_uri_complete: undefined };
    there.server.fault("device_authorization", { type: "merge", members: page });
    const running = home.start(args);
    await running.waitFor("stderr", /Waiting for the sign-in/);
    const [{ code: deviceCode, userCode }] = there.server.waiting;
    there.server.denyDevice(userCode!);
    const { code, stderr } = await running.ended;
    assert.equal(code, 5);
    assert.match(stderr, /^ {4}https:\/\/xn--exmple-cua\.test\/device$/m);
    assert.match(stderr, new RegExp(`To sign in to ${new URL(there.origin).host}`));
    assert.match(stderr, /"my-app" access to: openid profile offline_access/);
    assert.match(stderr, /Go on only if you started this yourself/);
    assert.ok(!stderr.includes(deviceCode));
  });

  it("D9 is chosen where no browser is, and the browser where one is", async () => {
    const { there, args } = await login();
    for (
      const [env, said] of [[{ BROWSER: "/bin/true" }, /Signing in with the browser/], [
        {},
        /Signing in with a device code/,
      ]] as const
    ) {
      const running = home.start(args, { env });
      await running.waitFor("stderr", said);
      await running.waitFor("stderr", /Waiting for the sign-in/);
      running.kill("SIGINT");
      assert.equal((await running.ended).code, 130);
    }
    assert.equal(there.server.count("device_authorization"), 1);
  });
});
