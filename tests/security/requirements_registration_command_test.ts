/**
 * Requirements on clients that register themselves (RFC 7591), at the command line: G6.
 */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { newHome } from "./command_line.ts";
import { serve } from "./served.ts";

describe("a registration on the command line", () => {
  const home = newHome();
  after(() => home.remove());

  it("G6 ends the sign-in early when the server does not register what it needs, and leaves no client behind", async () => {
    const served = await serve();
    served.server.fault("registration", { type: "merge", members: { grant_types: ["authorization_code"] } });
    const login = [
      "login",
      "x",
      "--issuer",
      served.origin,
      "--register",
      "--flow",
      "device",
      "--allow-insecure-loopback",
    ];
    const { code, stderr } = await home.run(login);
    assert.equal(code, 5);
    assert.match(stderr, /did not register the grant urn:ietf:params:oauth:grant-type:device_code/);
    assert.deepEqual([served.server.count("device_authorization"), served.server.clientIds.length], [0, 2]);
    await served.close();
  });
});
