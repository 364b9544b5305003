import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { newHome, signInOnDevice } from "./command_line.ts";
import { serve } from "./served.ts";

describe("a sign-in on the command line", () => {
  const home = newHome();
  after(() => home.remove());

  it("F6 is revoked by its refresh token first, then by its access token", async () => {
    const there = await serve({ interval: 1 });
    await signInOnDevice(home, there, "x");
    assert.equal((await home.run(["logout", "x", "--revoke"])).code, 0);
    const revoked = there.server.requests.filter(({ endpoint }) => endpoint === "revocation");
    await there.close();
    assert.deepEqual(revoked.map(({ parameters }) => parameters.get("token_type_hint")), [
      "refresh_token",
      "access_token",
    ]);
  });
});
