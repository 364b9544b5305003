import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TokenSet } from "../../lib/oauth/token_set.ts";
import { jwtBearer, refreshToken, tokenExchange } from "../../lib/session/grant.ts";
import { type TokenSource, tokenSource } from "../../lib/session/token_source.ts";
import type { AuthorizationServerOptions } from "../../lib/testing/mod.ts";
import { app, assertHides, failureOf, json, tokens, type World, world } from "../oauth/support.ts";
import { held, place, token } from "./support.ts";

type RefreshTokenDefaults = Parameters<typeof refreshToken>[0];

interface SignedIn extends World {
  readonly source: TokenSource;
  readonly first: string;
}

/** A source that refreshes at a server that rotates, after somebody has signed in. */
async function signedIn(
  options: AuthorizationServerOptions = {},
  more: Partial<RefreshTokenDefaults> = {},
): Promise<SignedIn> {
  const made = await world(options);
  const first = String((await made.server.issue({ scope: "openid a b" })).refresh_token);
  return {
    ...made,
    first,
    source: tokenSource(made.issuer, app, refreshToken({ refreshToken: first, ...more })),
  };
}

describe("the refresh token grant of a source", () => {
  it("presents each refresh token once, also for many scopes and audiences at a time", async () => {
    const { source, server } = await signedIn();
    const calls = Array.from(
      { length: 300 },
      (_, index) =>
        source.get({ scope: ["a", "b", "a b"][index % 3], audience: `https://${index % 4}.test` }),
    );
    const given = await Promise.all(calls);
    assert.equal(new Set(given.map(({ accessToken }) => accessToken)).size, 12);
    const [{ presented, reused, revoked }] = server.families;
    assert.deepEqual([presented, reused, revoked], [12, 0, false]);
  });

  it("sends its requests one after the other", async () => {
    let underWay = 0;
    const { source, answer } = place({ grant: refreshToken({ refreshToken: "r" }) });
    answer(async () => {
      assert.equal(++underWay, 1);
      await Promise.resolve();
      underWay--;
      return token("t");
    });
    await Promise.all(["a", "b", "c"].map((scope) => source.get({ scope })));
  });

  it("is shared by two sources that are made with it", async () => {
    const { issuer, server, first } = await signedIn();
    const grant = refreshToken({ refreshToken: first });
    const sources = [tokenSource(issuer, app, grant), tokenSource(issuer, app, grant)];
    await Promise.all(sources.map((source) => source.get()));
    assert.equal(server.families[0].reused, 0);
  });

  it("goes on with the old refresh token when no new one comes", async () => {
    const { source, sent } = place({ grant: refreshToken({ refreshToken: "r" }) });
    await source.get();
    await source.get({ force: true });
    assert.deepEqual(sent.map(({ form }) => form.get("refresh_token")), ["r", "r"]);
  });

  it("tells each token set before its access token is handed out", async () => {
    const events: string[] = [];
    const onRefreshToken = (next: string) => void events.push(`refresh token ${next.length > 0}`);
    const onTokens = async (tokens: TokenSet) => {
      await Promise.resolve();
      events.push(`tokens ${tokens.refreshToken !== undefined}`);
    };
    const { source } = await signedIn({}, { onTokens, onRefreshToken });
    await source.get();
    events.push("handed out");
    assert.deepEqual(events, ["refresh token true", "tokens true", "handed out"]);
  });

  it("hands nothing out when its token could not be kept, and goes on with the new one", async () => {
    const full = new Error("the disk is full");
    for (const where of ["onTokens", "onRefreshToken"]) {
      let fails = true;
      const keep = () => fails ? Promise.reject(full) : Promise.resolve();
      const { source, server } = await signedIn({}, { [where]: keep });
      await assert.rejects(source.get(), full);
      fails = false;
      assert.ok((await source.get()).accessToken);
      assert.deepEqual([server.families[0].presented, server.families[0].reused], [2, 0]);
    }
  });

  it("goes on with the new refresh token of an answer that could not be used", async () => {
    const { source, server } = await signedIn();
    for (const members of [{ expires_in: "soon" }, { id_token: "a.b.c" }, { token_type: "mac" }]) {
      server.fault("token", { type: "merge", members });
      assert.equal((await failureOf(source.get())).code, "invalid_response");
    }
    assert.ok((await source.get()).accessToken);
    assert.deepEqual([server.families[0].presented, server.families[0].reused], [4, 0]);
  });

  it("goes on with the new refresh token when the issuer's keys could not be fetched", async () => {
    const { source, server } = await signedIn();
    server.fault("jwks", { type: "status", status: 404 });
    assert.equal((await failureOf(source.get())).code, "server_refused");
    assert.ok((await source.get()).accessToken);
    assert.deepEqual([server.families[0].presented, server.families[0].reused], [2, 0]);
  });

  it("is not broken off by a caller that leaves: its new refresh token would be lost", async () => {
    const { source, answer, sent } = place({ grant: refreshToken({ refreshToken: "r-1" }) });
    const { reply, asked, release, signal } = held();
    answer(reply);
    const abort = new AbortController();
    const leaver = failureOf(source.get({ signal: abort.signal }));
    await asked;
    abort.abort();
    assert.equal((await leaver).code, "aborted");
    assert.equal(signal().aborted, false);
    const late = source.get();
    release(token("t-1", { refresh_token: "r-2" }));
    assert.equal((await late).accessToken, "t-1");
    assert.equal(sent.length, 1);
    answer(token("t-2", { refresh_token: "r-3" }));
    await source.get({ force: true });
    assert.deepEqual(sent.map(({ form }) => form.get("refresh_token")), ["r-1", "r-2"]);
  });

  it("is not begun for somebody who has left while it waited for its turn", async () => {
    const { source, answer, sent, clock } = place({ grant: refreshToken({ refreshToken: "r" }) });
    const { reply, asked, release } = held();
    answer(reply);
    const first = source.get({ scope: "a" });
    await asked;
    const abort = new AbortController();
    const second = failureOf(source.get({ scope: "b", signal: abort.signal }));
    abort.abort();
    assert.equal((await second).code, "aborted");
    release(token("t"));
    await first;
    await clock.advance(0);
    assert.equal(sent.length, 1);
    answer();
    assert.ok((await source.get({ scope: "b" })).accessToken);
  });

  it("does not present a dead refresh token again", async () => {
    const { source, server } = await signedIn();
    server.revokeSession("ada");
    for (const options of [{}, { scope: "a" }, { force: true }]) {
      const error = await failureOf(source.get(options));
      assert.equal(error.code, "sign_in_required");
      assert.equal(error.serverError, "invalid_grant");
    }
    assert.equal(server.count("token"), 1);
  });

  it("serves what is valid after the refresh token has died, to the last second", async () => {
    const { source, server, clock } = await signedIn();
    const { accessToken } = await source.get();
    server.revokeSession("ada");
    await clock.advance(295_000);
    assert.equal((await source.get()).accessToken, accessToken);
    await clock.advance(5000);
    assert.equal((await failureOf(source.get())).code, "sign_in_required");
  });

  it("presents the same refresh token again after a failure: it may still be good", async () => {
    const { source, answer, sent } = place({ grant: refreshToken({ refreshToken: "r" }) });
    answer(new TypeError("fetch failed"));
    assert.equal((await failureOf(source.get())).code, "network");
    answer();
    await source.get();
    assert.deepEqual(sent.map(({ form }) => form.get("refresh_token")), ["r", "r"]);
  });

  it("refuses an ID token about somebody else than the sign-in", async () => {
    const claims = { iss: "https://as.test", sub: "eve", aud: "app", exp: 1, iat: 1 };
    const { source } = await signedIn({}, { claims });
    assert.match((await failureOf(source.get())).message, /somebody else/);
  });

  it("asks by default for what it was made with", async () => {
    const grant = refreshToken({
      refreshToken: "r",
      scope: "a",
      audience: "https://api.test",
      grantedScope: "a b",
    });
    assert.deepEqual(grant.defaults, { scope: "a", audience: "https://api.test" });
    const { source, sent } = place({ grant });
    assert.equal((await source.get()).scope, "a");
    assert.equal(sent[0].form.get("audience"), "https://api.test");
  });

  it("shows no refresh token, whoever prints it, its source or its errors", async () => {
    const grant = refreshToken({ refreshToken: "refresh-canary" });
    const { source, answer } = place({ grant });
    answer(json(tokens({ refresh_token: "successor-canary", token_type: "mac" })));
    const error = await failureOf(source.get());
    assertHides({ grant, source }, "refresh-canary", "successor-canary");
    assertHides(error, "refresh-canary", "successor-canary");
  });
});

describe("a grant that asks somebody else first", () => {
  it("asks for the subject token at each exchange", async () => {
    let asked = 0;
    const subject = () => Promise.resolve(`subject-${++asked}`);
    const members = () => ({ issued_token_type: "urn:ietf:params:oauth:token-type:access_token" });
    const { source, sent } = place({
      grant: tokenExchange(subject, { audience: "https://api.test" }),
      members,
    });
    await source.get();
    await source.get();
    await source.get({ audience: "https://other.test" });
    assert.deepEqual(sent.map(({ form }) => [form.get("subject_token"), form.get("audience")]), [
      ["subject-1", "https://api.test"],
      ["subject-2", "https://other.test"],
    ]);
  });

  it("asks for the assertion at each request", async () => {
    let asked = 0;
    const { source, sent } = place({
      grant: jwtBearer(() => Promise.resolve(`a.b.${++asked}`), { scope: "x" }),
    });
    await source.get();
    await source.get({ force: true });
    assert.deepEqual(sent.map(({ form }) => [form.get("assertion"), form.get("scope")]), [["a.b.1", "x"], [
      "a.b.2",
      "x",
    ]]);
  });

  it("lets through what that somebody throws", async () => {
    const locked = new Error("the vault is locked");
    const { source, count } = place({ grant: tokenExchange(() => Promise.reject(locked)) });
    await assert.rejects(source.get(), locked);
    assert.equal(count(), 0);
  });
});
