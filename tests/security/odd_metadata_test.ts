import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { newHome } from "./command_line.ts";
import { serve } from "./served.ts";

describe("a sign-in on the command line", () => {
  const home = newHome();
  after(() => home.remove());

  it("G5 is not brought down by metadata whose members have another type", async () => {
    const faults: Record<string, unknown>[] = [
      { scopes_supported: 5 },
      { scopes_supported: {} },
      { token_endpoint_auth_methods_supported: 5 },
      { grant_types_supported: 5 },
      { device_authorization_endpoint: 5 },
      { registration_endpoint: 5 },
      { jwks_uri: 5 },
    ];
    const there = await serve({ interval: 1 });
    const complaints: string[] = [];
    for (const members of faults) {
      there.server.fault("discovery", { type: "merge", members });
      const args = ["login", "x", "--issuer", there.origin, "--client-id", "service", "--secret-file", "-"];
      const { code, stderr } = await home.run([...args, "--allow-insecure-loopback"], {
        stdin: "service-secret",
      });
      if (code === 1) complaints.push(`${JSON.stringify(members)}: ${stderr}`);
    }
    await there.close();
    assert.deepEqual(complaints, []);
  });
});
