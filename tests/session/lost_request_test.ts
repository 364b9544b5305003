import assert from "node:assert/strict";
import { it } from "node:test";
import { type Grant, issuerFromMetadata, tokenCache } from "../../mod.ts";
import { fakeClock } from "../fake_clock.ts";

it("a request that never ends, as in a Worker whose visitor has left, is made again after a minute", async () => {
  const clock = fakeClock();
  let requests = 0;
  const grant: Grant = {
    defaults: {},
    obtain: () => {
      if (++requests === 1) return new Promise(() => {});
      const issuedAt = clock.now() / 1000;
      return Promise.resolve({ accessToken: "a", tokenType: "Bearer", issuedAt, expiresAt: issuedAt + 300 });
    },
  };
  const metadata = { issuer: "https://as.test", token_endpoint: "https://as.test/token" };
  const cache = tokenCache(issuerFromMetadata(metadata, { clock }), { clientId: "app" }, grant);
  cache.get();
  await clock.advance(59_999);
  cache.get();
  assert.equal(requests, 1);
  await clock.advance(1);
  assert.equal((await cache.get()).accessToken, "a");
  assert.equal((await cache.get()).accessToken, "a");
  assert.equal(requests, 2);
});
