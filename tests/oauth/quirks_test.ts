import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { clientCredentialsGrant } from "../../lib/oauth/grants/client_credentials.ts";
import { deviceAuthorization } from "../../lib/oauth/grants/device_code.ts";
import { passwordGrant } from "../../lib/oauth/grants/password.ts";
import { sameButForSlash } from "../../lib/oauth/quirks.ts";
import { app, failureOf, json, stub, tokens, world } from "./support.ts";

/** A good device authorization answer, changed. */
const device = (members: Record<string, unknown> = {}) => ({
  device_code: "device-canary",
  user_code: "ABCD-EFGH",
  verification_uri: "https://as.test/device",
  expires_in: 600,
  interval: 5,
  ...members,
});

describe("a leniency", () => {
  it("is not met at a server that keeps to the standards", async () => {
    const { server, issuer, clock, met } = await world();
    await passwordGrant(issuer, app, { username: "ada", password: "lovelace", scope: "openid" });
    const started = await deviceAuthorization(issuer, app, { scope: "openid" });
    server.approveDevice(started.userCode);
    const waiting = started.wait();
    await clock.advance(5000);
    await waiting;
    assert.deepEqual(met, []);
  });

  for (
    const [members, name] of [
      [{ expires_in: "600" }, "number-as-string"],
      [{ interval: "5" }, "number-as-string"],
      [{ interval: 0 }, "interval-zero"],
      [{ verification_uri: undefined, verification_url: "https://as.test/device" }, "verification-url"],
    ] as const
  ) {
    it(`towards a device authorization answer with ${JSON.stringify(members)} is reported as ${name}`, async () => {
      const { issuer, met } = stub(json(device(members)));
      const { verificationUri, expiresAt } = await deviceAuthorization(issuer, app);
      assert.equal(verificationUri, "https://as.test/device");
      assert.equal(expiresAt, issuer.http.clock.now() / 1000 + 600);
      assert.deepEqual(met, [name]);
    });
  }

  it("towards an interval of zero in a string is both", async () => {
    const { issuer, met } = stub(json(device({ interval: "0" })));
    await deviceAuthorization(issuer, app);
    assert.deepEqual(met, ["number-as-string", "interval-zero"]);
  });

  it("is not needed where the page is there under its own name", async () => {
    const { issuer, met } = stub(json(device({ verification_url: "https://other.test/" })));
    assert.equal((await deviceAuthorization(issuer, app)).verificationUri, "https://as.test/device");
    assert.deepEqual(met, []);
  });

  it("does not reach as far as a wrong number", async () => {
    for (
      const members of [
        { expires_in: "600 s" },
        { expires_in: undefined },
        { expires_in: null },
        { expires_in: -1 },
        { interval: "five" },
        { interval: -1 },
        { interval: null },
      ]
    ) {
      const [name] = Object.keys(members);
      const { issuer } = stub(json(device(members)));
      const error = await failureOf(deviceAuthorization(issuer, app));
      assert.equal(error.code, "invalid_response");
      assert.ok(error.message.includes(`"${name}"`), error.message);
    }
  });

  it("towards an ID token that is not there although openid was asked for is reported", async () => {
    const { issuer, met } = stub(json(tokens()));
    await passwordGrant(issuer, app, { username: "a", password: "b", scope: "profile openid" });
    assert.deepEqual(met, ["id-token-missing"]);
    await passwordGrant(issuer, app, { username: "a", password: "b", scope: "profile" });
    // Nobody signed in, so there is nobody that it could be about.
    await clientCredentialsGrant(issuer, app, { scope: "openid roles" });
    assert.deepEqual(met, ["id-token-missing"]);
  });
});

describe("two issuers that are the same but for the last slash", () => {
  for (
    const [one, other, same] of [
      ["https://as.test", "https://as.test/", true],
      ["https://as.test/a/", "https://as.test/a", true],
      ["https://as.test", "https://as.test", true],
      ["https://as.test", "https://as.test//", false],
      ["https://as.test/a", "https://as.test/A/", false],
      ["https://as.test", "https://as.test/a", false],
    ] as const
  ) {
    it(`are ${same ? "" : "not "}${one} and ${other}`, () => {
      assert.equal(sameButForSlash(one, other), same);
      assert.equal(sameButForSlash(other, one), same);
    });
  }
});
