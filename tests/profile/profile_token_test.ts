import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import type { Clock } from "../../lib/clock.ts";
import { isTokenError, TokenError } from "../../lib/errors.ts";
import type { Host } from "../../lib/host/host.ts";
import type { Profile, Protection } from "../../lib/profile/profile.ts";
import { profileToken } from "../../lib/profile/profile_token.ts";
import { forget } from "../../lib/profile/remove.ts";
import { cacheDirectory, defaultKeyPath, sessionHome } from "../../lib/profile/session_home.ts";
import { signIn } from "../../lib/profile/sign_in.ts";
import { systemClock } from "../../lib/clock.ts";
import { hostAt } from "../cli/machine.ts";
import { PASSWORD_USER, type RunningProvider, startProvider } from "../interop/oidc_provider.ts";

describe("the token of a profile, in one process", () => {
  let provider: RunningProvider;
  let home: string;
  let host: Host;
  let said: string[];
  /** How far the clock of the host is ahead, in milliseconds. */
  let ahead: number;

  before(async () => {
    provider = await startProvider({ accessTokenLifetime: 300 });
  });
  after(() => provider.close());
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "apex-token-profile-"));
    said = [];
    ahead = 0;
    const clock: Clock = { ...systemClock, now: () => Date.now() + ahead };
    host = hostAt(home, { clock, say: (text: string) => void said.push(text) });
  });
  afterEach(() => rmSync(home, { recursive: true }));

  async function signedIn(
    protect: Protection = { kind: "key-file", path: defaultKeyPath(host) },
  ): Promise<Profile> {
    const { profile } = await signIn(host, {
      name: "p",
      issuer: provider.issuer,
      clientId: "password-client",
      flow: "password",
      username: PASSWORD_USER.username,
      password: () => Promise.resolve(PASSWORD_USER.password),
      protect,
      allowInsecureLoopback: true,
    });
    said.length = 0;
    return profile;
  }
  const refreshes = () => provider.count("/token", "refresh_token");

  for (const kind of ["key-file", "memory"] as const) {
    const protection = (): Protection => kind === "memory" ? { kind } : { kind, path: defaultKeyPath(host) };

    it(`is refreshed once for all who ask at the same time (${kind})`, async () => {
      const profile = await signedIn(protection());
      const first = await profileToken(host, profile);
      ahead = 299_000;
      const before = refreshes();
      const all = await Promise.all(Array.from({ length: 6 }, () => profileToken(host, profile)));
      assert.equal(refreshes(), before + 1);
      assert.equal(new Set(all.map(({ accessToken }) => accessToken)).size, 1);
      assert.notEqual(all[0].accessToken, first.accessToken);
      assert.equal((await profileToken(host, profile)).accessToken, all[0].accessToken);
      assert.equal(refreshes(), before + 1);
    });

    it(`is renewed by force once, also for two who force it at the same time (${kind})`, async () => {
      const profile = await signedIn(protection());
      const before = refreshes();
      await Promise.all([1, 2].map(() => profileToken(host, profile, { force: true })));
      assert.equal(refreshes(), before + 1);
      await profileToken(host, profile, { force: true });
      assert.equal(refreshes(), before + 2);
    });

    it(`is gone when the profile is forgotten (${kind})`, async () => {
      const profile = await signedIn(protection());
      await forget(host, "p");
      await assert.rejects(profileToken(host, profile), (error) => {
        return isTokenError(error) && ["sign_in_required", "key"].includes(error.code);
      });
    });
  }

  it("is kept in memory alone where nothing is to be kept", async () => {
    await signedIn({ kind: "memory" });
    const files = readdirSync(home, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile()
    );
    assert.deepEqual(files.map(({ name }) => name).sort(), ["default", "p.json"]);
    // another process knows nothing of it
    await assert.rejects(profileToken(hostAt(home), await profileOf()), (error) => {
      return isTokenError(error) && error.code === "sign_in_required";
    });
  });
  const profileOf = async () => (await import("../../lib/profile/profile_files.ts")).readProfile(host, "p");

  it("is handed out even when it cannot be kept, with a word about it", async () => {
    const profile = await signedIn();
    rmSync(cacheDirectory(host), { recursive: true });
    writeFileSync(cacheDirectory(host), "in the way");
    const token = await profileToken(host, profile);
    assert.match(token.accessToken, /\./);
    assert.match(said.join("\n"), /^The token is not kept for the next call\. Cannot .*tokens/);
    const { session } = (await sessionHome(host, profile).read())!;
    assert.ok(session.refreshToken, "the new refresh token is kept all the same");
  });

  it("is not asked for after the signal, and the refresh token stays unspent", async () => {
    const profile = await signedIn();
    const controller = new AbortController();
    controller.abort(new TokenError("aborted", "Interrupted"));
    const before = refreshes();
    await assert.rejects(
      profileToken(host, profile, { force: true, signal: controller.signal }),
      (error) => isTokenError(error) && error.code === "aborted",
    );
    assert.equal(refreshes(), before);
    await profileToken(host, profile, { force: true });
  });

  it("comes with an ID token that is valid for as long as asked", async () => {
    const profile = await signedIn();
    const before = refreshes();
    const token = await profileToken(host, profile, { idToken: true, minValidity: 200 });
    assert.equal(token.claims?.sub, PASSWORD_USER.username);
    assert.equal(refreshes(), before);
    ahead = 150_000;
    await profileToken(host, profile, { idToken: true, minValidity: 200 });
    assert.equal(refreshes(), before + 1, "the access token has to last as well");
  });
});
