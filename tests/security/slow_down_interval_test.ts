import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { deviceAuthorization, discover } from "../../mod.ts";
import { type AuthorizationServer, authorizationServer } from "../../lib/testing/mod.ts";
import { driven } from "../hostile/driven.ts";
import { app } from "./support.ts";

describe("a sign-in with a device code", () => {
  it("D4 takes the larger interval that a server names along with slow_down, for good", async () => {
    const { clock, http, run } = driven({ fetch: (url, init) => server.fetch(url, init) });
    const server: AuthorizationServer = await authorizationServer({ clock });
    const device = await deviceAuthorization(await discover(server.issuer, http), app);
    server.fault("token", { type: "body", status: 400, body: '{"error":"slow_down","interval":25}' });
    server.fault("token", { type: "error", error: "authorization_pending" });
    server.approveDevice(device.userCode);
    await run(device.wait());
    const times = server.requests.filter(({ endpoint }) => endpoint === "token").map(({ at }) => at);
    assert.deepEqual([times[1] - times[0], times[2] - times[1]], [25_000, 25_000]);
  });
});
