import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { memoryStore } from "../../lib/store/memory.ts";
import { requireForRefreshTokens } from "../../lib/store/requirements.ts";

const all = { compareAndSet: true, lease: true, durable: true, strongRead: true };

describe("a store for refresh tokens that the server replaces", () => {
  it("needs compare-and-set, durability and strong reads, but no leases", () => {
    requireForRefreshTokens({ capabilities: all });
    requireForRefreshTokens({ capabilities: { ...all, lease: false } });
  });

  const refused = {
    compareAndSet: "cannot refuse a write by somebody who has not seen the newest value",
    durable: "may lose what it has acknowledged when the power fails",
    strongRead: "may give an older value than the last that was written",
  };
  for (const [promise, sentence] of Object.entries(refused)) {
    it(`is refused without ${promise}, in a clear sentence`, () => {
      assert.throws(() => requireForRefreshTokens({ capabilities: { ...all, [promise]: false } }), {
        name: "TokenError",
        code: "unsupported",
        message: `Cannot keep a refresh token that the server replaces at each use: this store ${sentence}`,
        nextStep: promise === "durable"
          ? /appendfsync always/
          : /redisStore, denoKvStore, durableObjectStore/,
        retryable: false,
      });
    });
  }

  it("is refused for all its reasons at once", () => {
    const none = { compareAndSet: false, lease: false, durable: false, strongRead: false };
    assert.throws(() => requireForRefreshTokens({ capabilities: none }), {
      message: new RegExp(Object.values(refused).join(", and ")),
    });
    assert.throws(() => requireForRefreshTokens(memoryStore()), { message: /when the power fails$/ });
  });
});
