/**
 * Requirements on what becomes of tokens, at the command line: F1, F2, F6 and F7.
 */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { startHostileServer } from "../hostile/server.ts";
import { newHome, signInOnDevice } from "./command_line.ts";
import { serve, type ServedAuthorizationServer } from "./served.ts";
import { json } from "./support.ts";

describe("a sign-in on the command line", () => {
  const home = newHome();
  let there: ServedAuthorizationServer;
  after(async () => {
    home.remove();
    await there.close();
  });

  it("F1 replaces its refresh token on the disk, F2 sends it where it came from, F6 and F7 end it here and say what is not ended there", async () => {
    there = await serve({ interval: 1 });
    await signInOnDevice(home, there, "x");

    const evil = await startHostileServer();
    const moved = (await (await fetch(`${there.origin}/.well-known/openid-configuration`)).text())
      .replaceAll(there.origin, evil.origin).replace(
        `"issuer":"${evil.origin}"`,
        `"issuer":"${there.origin}"`,
      );
    there.intercept(({ url }) => url.pathname.includes(".well-known") ? json(moved) : undefined);
    for (let count = 0; count < 2; count++) assert.equal((await home.run(["get", "x", "--force"])).code, 0);
    const [family] = there.server.families;
    assert.deepEqual([family.presented, family.reused, family.revoked], [2, 0, false]);
    await evil.close();
    assert.deepEqual({ ...evil.received }, { connections: 0, bytes: 0 });

    there.server.fault("revocation", { type: "status", status: 503, headers: { "retry-after": "7" } }, {
      times: Infinity,
    });
    const logout = await home.run(["logout", "x", "--revoke"]);
    assert.deepEqual([logout.code, logout.stdout], [6, ""]);
    assert.match(logout.stderr, /signed out on this machine[^]*cannot answer for the revocation now/);
    assert.match(logout.stderr, /may still be good at \S+: end it on the page of your account there\.$/m);
    assert.equal((await home.run(["get", "x"])).code, 4);
  });
});
