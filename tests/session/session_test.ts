import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TokenError } from "../../lib/errors.ts";
import { decodeSession, encodeSession, type Session } from "../../lib/session/session.ts";

const session: Session = {
  format: 1,
  issuer: "https://as.test",
  clientId: "app",
  metadata: { issuer: "https://as.test", token_endpoint: "https://as.test/token" },
  refreshToken: "refresh-canary",
  refreshExpiresAt: 2_000_000_000,
  scope: "openid é",
  claims: { iss: "https://as.test", sub: "ada", aud: "app", exp: 2, iat: 1, groups: ["/a"] },
  clientSecret: "secret-canary",
  signedInAt: 1_700_000_000,
};

describe("a session", () => {
  it("comes back as it was kept", () => {
    assert.deepEqual(decodeSession(encodeSession(session)), session);
  });

  it("may have what a newer release of the same form adds", () => {
    const more = { ...session, later: { a: 1 } };
    assert.deepEqual(decodeSession(encodeSession(more)), more);
  });

  const text = (value: unknown) =>
    new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
  for (
    const [what, bytes] of [
      ["nothing", new Uint8Array()],
      ["no JSON", text("refresh-canary")],
      ["half of one", encodeSession(session).slice(0, -5)],
      ["null", text("null")],
      ["a list", text([session])],
      ["a text", text('"x"')],
      ["no UTF-8", Uint8Array.from([0xff, 0xfe, 0x7b])],
      ["of a form to come", text({ ...session, format: 2 })],
      ["of no form", text({ ...session, format: undefined })],
      ["without an issuer", text({ ...session, issuer: undefined })],
      ["without a client", text({ ...session, clientId: 1 })],
      ["without metadata", text({ ...session, metadata: undefined })],
      ["with metadata that are none", text({ ...session, metadata: [] })],
      ["with a member twice", text('{"format":1,"format":1}')],
    ] as const
  ) {
    it(`is refused when it is ${what}, and nothing of it is shown`, () => {
      assert.throws(() => decodeSession(bytes), (error) => {
        assert.ok(error instanceof TokenError);
        assert.equal(error.code, "storage");
        assert.match(error.nextStep!, /Sign in again/);
        return !`${error.message} ${error.stack}`.includes("canary");
      });
    });
  }
});
