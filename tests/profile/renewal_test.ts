import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, describe, it } from "node:test";
import { type Clock, systemClock } from "../../lib/clock.ts";
import { isTokenError } from "../../lib/errors.ts";
import type { Host } from "../../lib/host/host.ts";
import { presentRefreshToken } from "../../lib/oauth/grants/refresh_token_steps.ts";
import { discover } from "../../lib/oauth/issuer.ts";
import { clientOf } from "../../lib/profile/client_of.ts";
import { discoverFor } from "../../lib/profile/connection.ts";
import { encodeAnswer } from "../../lib/session/logged_answer.ts";
import type { Profile } from "../../lib/profile/profile.ts";
import { profileToken, type ProfileTokenOptions } from "../../lib/profile/profile_token.ts";
import { saveSignIn } from "../../lib/profile/save_sign_in.ts";
import { type SessionHome, sessionHome } from "../../lib/profile/session_home.ts";
import { decodeAttempt, encodeAttempt, fingerprint } from "../../lib/session/refresh_attempt.ts";
import { encodeSession, type Session } from "../../lib/session/session.ts";
import {
  type AuthorizationServer,
  authorizationServer,
  type AuthorizationServerOptions,
} from "../../lib/testing/mod.ts";
import { hostAt } from "../cli/machine.ts";
import { publicProfile } from "./public_profile.ts";

/** A profile that somebody has signed in to, at a server of this process. */
interface Place {
  readonly server: AuthorizationServer;
  readonly host: Host;
  readonly home: SessionHome;
  readonly profile: Profile;
  get(options?: ProfileTokenOptions): Promise<string>;
  session(): Promise<Session>;
  refreshes(): number;
}

describe("the renewal of a profile's token", () => {
  let directory: string;
  let ahead: number;
  let said: string[];
  /** Called with each request before it goes out. */
  let sending: (url: string) => Promise<void> | void;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "apex-token-renewal-"));
    ahead = 0;
    said = [];
    sending = () => {};
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  async function place(options: AuthorizationServerOptions = {}): Promise<Place> {
    // it stands still unless a test moves it
    const began = Date.now();
    const clock: Clock = {
      ...systemClock,
      now: () => began + ahead,
      // rests pass at once
      sleep: (milliseconds, signal) => systemClock.sleep(milliseconds > 5000 ? milliseconds : 1, signal),
    };
    const server = await authorizationServer({ clock, accessTokenLifetime: 300, ...options });
    const fetch = async (url: string, init: RequestInit) => {
      await sending(url);
      return await server.fetch(url, init);
    };
    const host = hostAt(directory, {
      clock,
      say: (text) => void said.push(text),
      fetch: () => Promise.resolve(fetch),
    });
    const profile = publicProfile(host, server.issuer);
    await saveSignIn(host, profile, ...await signedIn(server, host, profile));
    return {
      server,
      host,
      profile,
      home: sessionHome(host, profile),
      get: async (options) => (await profileToken(host, profile, options)).accessToken,
      session: async () => (await sessionHome(host, profile).read())!.session,
      refreshes: () => server.count("token", "refresh_token"),
    };
  }

  async function signedIn(
    server: AuthorizationServer,
    host: Host,
    profile: Profile,
    signedInAt = Math.floor(host.clock.now() / 1000),
  ): Promise<Parameters<typeof saveSignIn> extends [unknown, unknown, ...infer Rest] ? Rest : never> {
    const issued = await server.issue({ scope: "openid offline_access" });
    const { metadata } = await discoverFor(host, profile);
    const session: Session = {
      format: 1,
      issuer: server.issuer,
      clientId: "app",
      metadata,
      refreshToken: String(issued.refresh_token),
      signedInAt,
    };
    const issuedAt = Math.floor(host.clock.now() / 1000);
    const tokens = {
      accessToken: String(issued.access_token),
      tokenType: "Bearer",
      issuedAt,
      expiresAt: issuedAt + 300,
    };
    return [session, tokens];
  }

  /** What a process leaves that dies when its answer has come. */
  async function dieWithAnswer({ server, host, home, profile }: Place): Promise<void> {
    const { session } = (await home.read())!;
    const issuer = await discover(server.issuer, { fetch: server.fetch, clock: host.clock });
    const { refreshToken, signedInAt } = session;
    const client = await clientOf(profile, session);
    const answer = await presentRefreshToken(issuer, client, { refreshToken: refreshToken! });
    const raw = encodeAnswer({ ...answer, asked: "" });
    const attempt = { signedInAt, token: fingerprint(refreshToken!), at: 1, raw };
    assert.ok(await home.attempts.compareAndSet("p", undefined, encodeAttempt(attempt)));
  }

  /** What a process leaves that dies when it has announced what it was about to do. */
  async function dieInTheMiddle({ home, session }: Place, by?: string): Promise<void> {
    const { refreshToken, signedInAt } = await session();
    const attempt = { signedInAt, token: fingerprint(refreshToken!), at: 1, by };
    assert.ok(await home.attempts.compareAndSet("p", undefined, encodeAttempt(attempt)));
  }

  async function knownAsStrict({ home }: Place): Promise<void> {
    const { session, version } = (await home.read())!;
    const bytes = encodeSession({ ...session, rotation: "strict" });
    assert.ok(await home.sessions.compareAndSet("p", version, bytes));
  }

  const failsWith = (code: string) => (error: unknown) => isTokenError(error) && error.code === code;
  const DUE = 245_000;

  it("takes the answer of a process that died with it, without asking again", async () => {
    const there = await place();
    await dieWithAnswer(there);
    const before = there.refreshes();
    const token = await there.get({ force: false, minValidity: 299 });
    ahead = DUE;
    const { refreshToken } = await there.session();
    assert.equal(there.refreshes(), before);
    assert.notEqual(await there.get({ force: true }), token);
    assert.notEqual((await there.session()).refreshToken, refreshToken);
    assert.equal(await there.home.attempts.read("p"), undefined);
    assert.deepEqual(there.server.families.map(({ reused, revoked }) => [reused, revoked]), [[0, false]]);
  });

  it("asks at once when a process died in the middle of it, and the server may forgive", async () => {
    // the grace of the server ends by a clock of its own, which stands still
    const began = Date.now();
    const stopped = { ...systemClock, now: () => began };
    const there = await place({ refreshTokens: "rotate-grace", graceSeconds: 3, clock: stopped });
    await there.get({ force: true });
    const session = await there.session();
    assert.equal(session.rotation, "replacing");
    // the server carried it out, and nobody was there to hear of it
    await dieInTheMiddle(there);
    const issuer = await discover(there.server.issuer, { fetch: there.server.fetch });
    const { refreshToken } = session;
    await presentRefreshToken(issuer, await clientOf(there.profile, session), {
      refreshToken: refreshToken!,
    });
    ahead = DUE;
    await there.get();
    assert.notEqual((await there.session()).refreshToken, refreshToken);
    assert.deepEqual(there.server.families.map(({ reused, revoked }) => [reused, revoked]), [[1, false]]);
  });

  it("serves what is due when a process died in the middle of it, at a server that does not forgive", async () => {
    const there = await place();
    await there.get({ force: true });
    await knownAsStrict(there);
    await dieInTheMiddle(there);
    const before = there.refreshes();
    ahead = DUE;
    const token = await there.get();
    assert.equal(there.refreshes(), before);
    ahead = 299_000;
    assert.notEqual(await there.get(), token, "near its end there is nothing left to lose");
    assert.equal(there.refreshes(), before + 1);
  });

  it("serves what is due when the answer is lost, and does not ask again before it has to", async () => {
    const there = await place();
    const token = await there.get({ force: true });
    await knownAsStrict(there);
    there.server.fault("token", { type: "drop-answer" });
    const before = there.refreshes();
    ahead = DUE;
    for (let count = 0; count < 3; count++) assert.equal(await there.get(), token);
    ahead += 20_000;
    assert.equal(await there.get(), token);
    assert.equal(there.refreshes(), before + 1);
    assert.deepEqual(there.server.families.map(({ reused, revoked }) => [reused, revoked]), [[0, false]]);
  });

  it("asks again at once when the answer is lost and the server may forgive", async () => {
    const there = await place({ refreshTokens: "rotate-grace", graceSeconds: 30 });
    there.server.fault("token", { type: "drop-answer" });
    const first = (await there.session()).refreshToken;
    await there.get({ force: true });
    assert.equal(there.refreshes(), 2);
    assert.notEqual((await there.session()).refreshToken, first);
    assert.equal(there.server.families[0].revoked, false);
  });

  it("keeps the refresh token of an answer whose ID token is wrong", async () => {
    const there = await place();
    there.server.fault("token", { type: "merge", members: { id_token: "not one" } });
    const first = (await there.session()).refreshToken;
    await assert.rejects(there.get({ force: true }), failsWith("invalid_response"));
    assert.notEqual((await there.session()).refreshToken, first);
    await there.get({ force: true });
    assert.equal(there.server.families[0].reused, 0);
  });

  it("obeys the server's wish to be left alone, in the next process too", async () => {
    const there = await place();
    const headers = { "retry-after": "120" };
    there.server.fault("token", { type: "status", status: 429, headers });
    ahead = 400_000;
    await assert.rejects(there.get(), failsWith("unavailable"));
    ahead += 60_000;
    await assert.rejects(there.get(), (error) => isTokenError(error) && error.retryAfter === 60);
    assert.equal(there.refreshes(), 1);
    ahead += 61_000;
    await there.get();
    assert.equal(there.refreshes(), 2);
  });

  it("marks a dead refresh token with the server's words, keeps the record, and asks no more", async () => {
    const there = await place();
    const { refreshToken } = await there.session();
    there.server.revokeSession("ada");
    ahead = 400_000;
    for (let count = 0; count < 2; count++) {
      await assert.rejects(there.get(), (error) => {
        return isTokenError(error) && error.code === "sign_in_required" &&
          /^The sign-in of "p" has ended \(the server says ".+"\)$/.test(error.message) &&
          error.nextStep === "Run: apex-token login p";
      });
    }
    assert.equal(there.refreshes(), 1);
    const session = await there.session();
    assert.equal(session.refreshToken, refreshToken);
    assert.ok(session.dead && Math.abs(session.dead.at - there.host.clock.now() / 1000) < 5);
  });

  for (const [name, said] of [["NFS", 2], [undefined, 0]] as const) {
    it(`is ${said ? "warned of" : "not spoken of"} at a sign-in whose home is on ${name ?? "a local disk"}`, async () => {
      const there = await place();
      const words: string[] = [];
      const host = hostAt(directory, {
        clock: there.host.clock,
        fetch: there.host.fetch,
        say: (text) => void words.push(text),
        networkFileSystem: () => name,
      });
      await saveSignIn(host, there.profile, ...await signedIn(there.server, host, there.profile));
      assert.equal(words.length, said, words.join("\n"));
      assert.ok(!said || /kept on NFS, which other machines may share/.test(words[0]));
      assert.ok(!said || /export XDG_STATE_HOME=/.test(words[1]));
    });
  }

  it("knows after a new sign-in what the server has taught before it", async () => {
    const there = await place();
    await knownAsStrict(there);
    await saveSignIn(there.host, there.profile, ...await signedIn(there.server, there.host, there.profile));
    assert.equal((await there.session()).rotation, "strict");
    await there.get({ force: true });
    assert.equal((await there.session()).rotation, "strict");
  });

  it("names who keeps the lock to somebody who has waited for too long", async () => {
    const there = await place();
    const lock = (await there.home.lock(() => false))!;
    await dieInTheMiddle(there, "process 7 on laptop");
    const { host } = there;
    // each look at the clock is ten seconds after the one before
    let looks = 0;
    const clock: Clock = { ...host.clock, monotonic: () => 10_000 * looks++ };
    const impatient = hostAt(directory, { clock, say: host.say, fetch: host.fetch });
    try {
      await assert.rejects(
        profileToken(impatient, there.profile, { force: true }),
        /has been renewing this sign-in for too long: process 7 on laptop, since 1970-01-01T00:00:01\.000Z/,
      );
      assert.ok(looks <= 20, `${looks} looks`);
    } finally {
      lock.release();
    }
  });

  it("writes down whose it is while it is under way", async () => {
    const there = await place();
    let by: string | undefined;
    sending = async () => {
      const written = await there.home.attempts.read("p");
      by ??= written && decodeAttempt(written.value).by;
    };
    await there.get({ force: true });
    assert.match(by!, new RegExp(`^process ${process.pid} on .`));
  });

  it("is not forgotten by a caller who gives up while it is under way", async () => {
    const there = await place();
    const first = (await there.session()).refreshToken;
    const controller = new AbortController();
    sending = (url) => {
      if (url.endsWith("/token")) controller.abort();
    };
    await assert.rejects(there.get({ force: true, signal: controller.signal }), failsWith("aborted"));
    assert.notEqual((await there.session()).refreshToken, first);
    assert.equal(await there.home.attempts.read("p"), undefined);
    await there.get();
    assert.equal(there.refreshes(), 1, "what it brought is there for the next one");
  });

  it("leaves a sign-in alone that came in the middle of it, and uses that", async () => {
    const there = await place();
    const { server, host, profile, home } = there;
    const [other] = await signedIn(server, host, profile, 1);
    sending = async (url) => {
      if (!url.endsWith("/token")) return;
      sending = () => {};
      const { version } = (await home.read())!;
      assert.ok(await home.sessions.compareAndSet("p", version, encodeSession(other)));
    };
    await there.get({ force: true });
    const { signedInAt, refreshToken } = await there.session();
    assert.equal(signedInAt, 1);
    assert.notEqual(refreshToken, other.refreshToken, "it was used");
    assert.deepEqual(server.families.map(({ presented, reused }) => [presented, reused]), [[1, 0], [1, 0]]);
  });
});
