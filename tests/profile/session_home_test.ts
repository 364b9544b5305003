import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { isTokenError, type TokenError } from "../../lib/errors.ts";
import type { Host } from "../../lib/host/host.ts";
import { saveSignIn } from "../../lib/profile/save_sign_in.ts";
import { sessionHome } from "../../lib/profile/session_home.ts";
import { hostAt } from "../cli/machine.ts";
import { publicProfile } from "./public_profile.ts";

describe("the file of a sign-in with a single bit flipped", () => {
  const issuer = "https://sso.example";
  let home: string;
  let host: Host;
  let place: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "apex-token-session-"));
    host = hostAt(home);
    place = `${host.directories.state}/sessions/p`;
  });
  afterEach(() => rmSync(home, { recursive: true }));

  async function keep(refreshToken: string): Promise<void> {
    const metadata = { issuer, token_endpoint: `${issuer}/token` };
    const session = { format: 1, issuer, clientId: "app", metadata, refreshToken, signedInAt: 1 } as const;
    const token = { accessToken: "t", tokenType: "Bearer", issuedAt: 1, expiresAt: 1 };
    await saveSignIn(host, publicProfile(host, issuer), session, token);
  }

  /**
   * The refresh token that is read with a bit flipped, or why there is none: each bit of the frame, and some of what is
   * in it. All of them are tried on the frame itself.
   */
  async function* flipped(): AsyncGenerator<string | TokenError> {
    const newest = readdirSync(place).sort().at(-1)!;
    const whole = readFileSync(join(place, newest));
    const some = Array.from({ length: 40 }, (_, at) => Math.floor((whole.length * 8 - 1) * at / 39));
    for (const bit of [...Array(128).keys(), ...some]) {
      const bytes = new Uint8Array(whole);
      bytes[bit >> 3] ^= 1 << (bit & 7);
      writeFileSync(join(place, newest), bytes);
      try {
        yield (await sessionHome(host, publicProfile(host, issuer)).read())!.session.refreshToken!;
      } catch (error) {
        if (!isTokenError(error)) throw error;
        yield error;
      }
    }
    writeFileSync(join(place, newest), whole);
  }

  it("is refused, with what can be done, where it is the only one", async () => {
    await keep("first");
    let bits = 0;
    for await (const result of flipped()) {
      assert.ok(typeof result !== "string", `bit ${bits} made it "${result}"`);
      assert.equal(result.code, "storage");
      assert.match(result.message, /no file in it is whole|written by a newer release/);
      assert.match(result.nextStep!, /apex-token login|newest release/);
      bits++;
    }
    assert.equal(bits, 168);
    assert.equal(
      (await sessionHome(host, publicProfile(host, issuer)).read())!.session.refreshToken,
      "first",
    );
  });

  it("is survived by the one before it, but for bits that make it one of a newer release", async () => {
    await keep("first");
    await keep("second");
    let refused = 0;
    for await (const result of flipped()) {
      if (typeof result === "string") assert.equal(result, "first");
      else {
        assert.match(result.message, /written by a newer release/);
        refused++;
      }
    }
    // the byte with the version of the file, whatever it was but its own bit
    assert.ok(refused <= 8, String(refused));
  });
});
