import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { refreshTokenGrant } from "../../mod.ts";
import { app, refusedWith, signIn, world } from "./support.ts";

describe("a refresh token", () => {
  it("F9 brings an ID token of the same sign-in: neither its time nor its authorized party changes", async () => {
    for (const claims of [{ auth_time: 1 }, { azp: "other" }]) {
      const there = await world();
      const { refreshToken, claims: before } = await signIn(there);
      assert.ok(before?.auth_time);
      there.server.fault("token", { type: "id_token", claims }, { grantType: "refresh_token" });
      const work = refreshTokenGrant(there.issuer, app, { refreshToken: refreshToken!, claims: before });
      await refusedWith("invalid_response", work, JSON.stringify(claims));
    }
  });
});
