import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Clock } from "../../lib/clock.ts";
import { clientSecretPost } from "../../lib/oauth/client_authentication.ts";
import type { TokenParameters } from "../../lib/oauth/token_request.ts";
import { clientCredentials } from "../../lib/session/grant.ts";
import { type TokenSource, tokenSource } from "../../lib/session/token_source.ts";
import { assertHides, endsAtOnce, failureOf, hang, json } from "../oauth/support.ts";
import { held, type Place, place, token } from "./support.ts";

const down = () => new Response("", { status: 503 });
const DAY = 86400;

/** The token that a source gives now. */
async function tokenOf(source: TokenSource): Promise<string> {
  return (await source.get()).accessToken;
}

/** What a source does while its server is down: the retries of a request take time. */
async function whileDown<T>({ clock }: Place, work: Promise<T>): Promise<T> {
  const settled = work.then(() => {}, () => {});
  await Promise.race([settled, clock.advance(9000)]);
  return await work;
}

/** A source in the middle of its first token, with `left` seconds to go of 300. */
async function aged(left: number): Promise<Place> {
  const made = place();
  await made.source.get();
  await made.clock.advance((300 - left) * 1000);
  return made;
}

describe("a token source", () => {
  it("asks once and then gives the token from memory", async () => {
    const { source, count } = place();
    for (let call = 0; call < 1000; call++) assert.equal(await tokenOf(source), "token-1");
    assert.equal(count(), 1);
  });

  it("gives what the grant said, but never a refresh token", async () => {
    const { source, clock } = place({ members: () => ({ scope: "a", refresh_token: "refresh-canary" }) });
    const given = await source.get();
    const now = clock.now() / 1000;
    assert.deepEqual({ ...given }, {
      ...{ accessToken: "token-1", tokenType: "Bearer", issuedAt: now, expiresAt: now + 300, scope: "a" },
    });
    assertHides(given, "refresh-canary");
  });

  for (const state of ["cold", "expired"]) {
    it(`asks once for 1,000 callers at a time when it is ${state}`, async () => {
      const { source, count, clock } = place();
      if (state === "expired") {
        await source.get();
        await clock.advance(301_000);
      }
      const before = count();
      const tokens = await Promise.all(Array.from({ length: 1000 }, () => tokenOf(source)));
      assert.equal(count(), before + 1);
      assert.deepEqual(new Set(tokens), new Set([`token-${before + 1}`]));
    });
  }

  it("lets 1,000 callers at a time share a failure", async () => {
    const { source, count, answer } = place();
    answer(json({ error: "invalid_client" }, 401));
    const results = await Promise.allSettled(Array.from({ length: 1000 }, () => source.get()));
    assert.ok(results.every(({ status }) => status === "rejected"));
    assert.equal(count(), 1);
  });

  it("keeps no timer", async () => {
    const { source, clock } = place({ expiresIn: 30 * DAY });
    await source.get();
    await clock.advance(0);
    assert.equal(clock.waiting(), 0);
  });

  for (
    const [expiresIn, life] of [
      [30, 30],
      [60, 60],
      [299, 299],
      [300, 300],
      [301, 301],
      [undefined, 300],
      ["3599", 3599],
      [30 * DAY, 30 * DAY],
    ] as const
  ) {
    it(`asks as seldom as it can for tokens with expires_in ${JSON.stringify(expiresIn)}`, async () => {
      const { source, count, clock } = place({ members: () => ({ expires_in: expiresIn }) });
      for (let call = 0; call < 20; call++) assert.equal(await tokenOf(source), "token-1");
      await clock.advance(life * 790);
      assert.equal(await tokenOf(source), "token-1");
      assert.equal(count(), 1);
      // In the last part of its life it is renewed behind the scenes.
      await clock.advance(life * 1000 - life * 790 - Math.min(life * 60, 15_000));
      assert.equal(await tokenOf(source), "token-1");
      await clock.advance(0);
      assert.equal(count(), 2);
      for (let call = 0; call < 20; call++) assert.equal(await tokenOf(source), "token-2");
      assert.equal(count(), 2);
      // After its end nobody gets it.
      await clock.advance(life * 1000);
      assert.equal(source.peek(), undefined);
      assert.equal(await tokenOf(source), "token-3");
      assert.equal(count(), 3);
    });
  }

  it("asks once in the one second that a token with expires_in 1 lives", async () => {
    const { source, count, clock } = place({ expiresIn: 1 });
    for (let second = 1; second <= 5; second++) {
      for (let call = 0; call < 20; call++) assert.equal(await tokenOf(source), `token-${second}`);
      await clock.advance(790);
      assert.equal(await tokenOf(source), `token-${second}`);
      await clock.advance(210);
      assert.equal(source.peek(), undefined);
      assert.equal(count(), second);
    }
  });

  for (const expires_in of [0, -1]) {
    it(`gives a token with expires_in ${expires_in} to those who wait for it, and to nobody after`, async () => {
      const { source, count } = place({ members: () => ({ expires_in }) });
      const tokens = await Promise.all([tokenOf(source), tokenOf(source)]);
      assert.deepEqual(tokens, ["token-1", "token-1"]);
      assert.equal(source.peek(), undefined);
      assert.equal(await tokenOf(source), "token-2");
      assert.equal(count(), 2);
    });
  }
});

describe("a token that is about to end", () => {
  it("is given at once while its successor is fetched", async () => {
    const { clock, source, count, answer } = await aged(40);
    const { reply, asked, release } = held();
    answer(reply);
    assert.equal(await tokenOf(source), "token-1");
    await asked;
    for (let call = 0; call < 100; call++) assert.equal(await tokenOf(source), "token-1");
    assert.equal(count(), 2);
    release(token("new"));
    await clock.advance(0);
    assert.equal(await tokenOf(source), "new");
  });

  it("is renewed before it is given when its last seconds have come", async () => {
    const { source } = await aged(5);
    assert.equal(await tokenOf(source), "token-2");
  });

  it("is given to its last second while the server is down, and never after", async () => {
    const made = await aged(8);
    const { source, answer, clock, count } = made;
    answer(new TypeError("fetch failed"));
    assert.equal(await whileDown(made, tokenOf(source)), "token-1");
    while (source.peek()) {
      assert.equal(await tokenOf(source), "token-1");
      await clock.advance(100);
    }
    const end = clock.now() / 1000;
    assert.ok(end >= Date.UTC(2026, 0, 1) / 1000 + 300);
    assert.equal((await whileDown(made, failureOf(source.get()))).code, "network");
    assert.equal(count(), 1 + 3 + 3);
  });

  it("is given before it ends when the server hangs", async () => {
    const { source, answer, clock } = await aged(8);
    answer(hang);
    const given = tokenOf(source);
    await clock.advance(4000);
    assert.equal(await given, "token-1");
    assert.ok(source.peek());
  });

  it("is not given in its last seconds to somebody who called it bad meanwhile", async () => {
    const { source, answer, clock } = await aged(8);
    const { reply, release, asked } = held();
    answer(reply);
    const given = tokenOf(source);
    await asked;
    source.invalidate("token-1");
    release(token("new"));
    assert.equal(await given, "new");
    assert.equal(clock.waiting(), 0);
  });

  it("is given when the server refuses to renew it, until it ends", async () => {
    const { source, answer, clock } = await aged(40);
    answer(json({ error: "invalid_client" }, 401));
    assert.equal(await tokenOf(source), "token-1");
    await clock.advance(39_000);
    assert.equal(await tokenOf(source), "token-1");
    await clock.advance(1000);
    assert.equal((await failureOf(source.get())).serverError, "invalid_client");
  });

  it("is asked for once in 30 s while the renewal fails", async () => {
    const { source, answer, clock, count } = await aged(60 - 7);
    answer(json({ error: "access_denied" }, 403));
    const before = count();
    const renewals: number[] = [];
    for (let second = 0; second < 50; second++) {
      await source.get();
      await clock.advance(0);
      if (count() > before + renewals.length) renewals.push(second);
      await clock.advance(1000);
    }
    assert.deepEqual(renewals, [0, 30]);
  });

  it("is asked for again when the server's Retry-After is over, not before", async () => {
    const { source, answer, clock, count } = await aged(50);
    answer(new Response("", { status: 503, headers: { "retry-after": "12" } }));
    const before = count();
    for (let second = 0; second < 27; second++) {
      await source.get();
      await clock.advance(second === 0 ? 0 : 1000);
    }
    assert.equal(count() - before, 3);
    answer();
  });

  it("is not served beyond its end to a machine whose wall clock has gone back", async () => {
    let shift = 0;
    const made = place();
    const { issuer, clock } = made;
    const moved: Clock = { ...clock, now: () => clock.now() + shift };
    const http = { ...issuer.http, clock: moved };
    const source = tokenSource({ ...issuer, http }, { clientId: "c" }, clientCredentials());
    await source.get();
    shift = -DAY * 1000;
    await clock.advance(200_000);
    assert.equal(source.peek()?.accessToken, "token-1");
    await clock.advance(100_000);
    assert.equal(source.peek(), undefined);
    made.answer(down);
    assert.equal((await failureOf(whileDown(made, source.get()))).code, "unavailable");
  });

  for (const options of [undefined, { scope: "read" }]) {
    it(`is renewed when the wall clock has gone back behind its making${options ? ", for a scope" : ""}`, async () => {
      let shift = 0;
      const { issuer, clock, count } = place();
      const moved: Clock = { ...clock, now: () => clock.now() + shift };
      const source = tokenSource(
        { ...issuer, http: { ...issuer.http, clock: moved } },
        { clientId: "c" },
        clientCredentials(),
      );
      const token = async () => (await source.get(options)).accessToken;
      await token();
      shift = -30_000;
      await token();
      assert.equal(await token(), "token-1");
      assert.equal(count(), 1);
      shift = -DAY * 1000;
      assert.equal(await token(), "token-1");
      await clock.advance(0);
      assert.equal(await token(), "token-2");
      assert.equal(await token(), "token-2");
      assert.equal(count(), 2);
    });
  }
});

describe("a minimum validity", () => {
  it("is kept: a token that is too short is renewed", async () => {
    const { source, clock, count } = place();
    await source.get();
    await clock.advance(100_000);
    assert.equal((await source.get({ minValidity: 200 })).accessToken, "token-1");
    assert.equal((await source.get({ minValidity: 201 })).accessToken, "token-2");
    await clock.advance(10_000);
    assert.equal((await source.get({ minValidity: 295 })).accessToken, "token-3");
    assert.equal(count(), 3);
  });

  it("is hard: a server that is down is an error, though a token is at hand", async () => {
    for (const [left, minValidity] of [[200, 250], [40, 100], [5, 6]]) {
      const made = await aged(left);
      made.answer(new TypeError("fetch failed"));
      const error = await whileDown(made, failureOf(made.source.get({ minValidity })));
      assert.equal(error.code, "network");
    }
  });

  it("is served by a token that is long enough, though the server is down", async () => {
    for (const [left, minValidity] of [[200, 200], [40, 40]]) {
      const { source, answer } = await aged(left);
      answer(down());
      assert.equal((await source.get({ minValidity })).accessToken, "token-1");
    }
  });

  it("that no token can have gives a fresh one, which is not fetched again before its soft point", async () => {
    for (const minValidity of [300.5, 301, 3600, Infinity]) {
      const { source, clock, count } = place();
      for (let call = 0; call < 20; call++) {
        assert.equal((await source.get({ minValidity })).accessToken, "token-1");
        await clock.advance(11_000);
      }
      assert.equal(count(), 1);
      await clock.advance(50_000);
      assert.equal((await source.get({ minValidity })).accessToken, "token-2");
    }
  });

  it("of the whole life is not asked for again and again: what came was shorter by its way", async () => {
    const { source, clock, count, answer } = place();
    answer(async () => {
      await clock.sleep(500);
      return token("slow");
    });
    const first = source.get({ minValidity: 300 });
    await clock.advance(500);
    await first;
    for (let call = 0; call < 20; call++) {
      await clock.advance(1000);
      assert.equal((await source.get({ minValidity: 300 })).accessToken, "slow");
    }
    assert.equal(count(), 1);
  });

  it("of zero is served to the last second, and a server that is down is then an error", async () => {
    const made = await aged(5);
    made.answer(new TypeError("fetch failed"));
    assert.equal((await whileDown(made, failureOf(made.source.get({ minValidity: 0 })))).code, "network");
  });
});

describe("force", () => {
  it("asks the server though a good token is at hand", async () => {
    const { source, count } = place();
    await source.get();
    assert.equal((await source.get({ force: true })).accessToken, "token-2");
    assert.equal(await tokenOf(source), "token-2");
    assert.equal(count(), 2);
  });

  it("shares a request that is under way", async () => {
    const { source, count } = place();
    const tokens = await Promise.all([
      source.get({ force: true }),
      source.get({ force: true }),
      source.get(),
    ]);
    assert.equal(new Set(tokens.map(({ accessToken }) => accessToken)).size, 1);
    assert.equal(count(), 1);
  });

  it("fails when the server is down, and the good token stays", async () => {
    const made = await aged(200);
    made.answer(new TypeError("fetch failed"));
    assert.equal((await whileDown(made, failureOf(made.source.get({ force: true })))).code, "network");
    assert.equal(await tokenOf(made.source), "token-1");
  });
});

describe("a caller that leaves", () => {
  it("ends its own wait at once, and nobody else's", async () => {
    const { source, answer, count } = place();
    const { reply, asked, release, signal } = held();
    answer(reply);
    const abort = new AbortController();
    const [leaver, stayer] = [source.get({ signal: abort.signal }), source.get()];
    await asked;
    abort.abort();
    assert.ok(await endsAtOnce(leaver));
    assert.equal((await failureOf(leaver)).code, "aborted");
    assert.equal(signal().aborted, false);
    release(token("for-the-other"));
    assert.equal((await stayer).accessToken, "for-the-other");
    assert.equal(count(), 1);
  });

  it("ends the request when it is the last one", async () => {
    const { source, answer } = place();
    const { reply, asked, signal } = held();
    answer(reply);
    const aborts = Array.from({ length: 3 }, () => new AbortController());
    const waits = aborts.map(({ signal }) => failureOf(source.get({ signal })));
    await asked;
    for (const [index, abort] of aborts.entries()) {
      assert.equal(signal().aborted, false);
      abort.abort();
      assert.equal((await waits[index]).code, "aborted");
    }
    assert.equal(signal().aborted, true);
  });

  it("does not take along somebody who comes at the same moment", async () => {
    const { source, answer, count } = place();
    const { reply, asked } = held();
    answer(reply);
    const abort = new AbortController();
    const leaver = failureOf(source.get({ signal: abort.signal }));
    await asked;
    answer();
    abort.abort();
    const late = [source.get(), source.get({ signal: new AbortController().signal })];
    assert.equal((await leaver).code, "aborted");
    assert.deepEqual((await Promise.all(late)).map(({ accessToken }) => accessToken), ["token-1", "token-1"]);
    assert.equal(count(), 2);
  });

  it("is no failure of the server: the next one asks at once", async () => {
    const { clock, source, answer, count } = await aged(40);
    const abort = new AbortController();
    const { reply, asked } = held();
    answer(reply);
    const leaver = failureOf(source.get({ signal: abort.signal, minValidity: 100 }));
    await asked;
    abort.abort();
    await leaver;
    answer();
    assert.equal(await tokenOf(source), "token-1");
    await clock.advance(0);
    assert.equal(await tokenOf(source), "token-2");
    assert.equal(count(), 3);
  });

  it("before it came asks nothing, and gets what is at hand", async () => {
    const { source, count } = place();
    const signal = AbortSignal.abort();
    assert.equal((await failureOf(source.get({ signal }))).code, "aborted");
    assert.equal(count(), 0);
    await source.get();
    assert.equal((await source.get({ signal })).accessToken, "token-1");
  });

  it("does not end the renewal behind the scenes", async () => {
    const { clock, source, answer } = await aged(40);
    const { reply, asked, release, signal } = held();
    answer(reply);
    await source.get();
    await asked;
    const abort = new AbortController();
    const leaver = failureOf(source.get({ signal: abort.signal, minValidity: 100 }));
    abort.abort();
    await leaver;
    assert.equal(signal().aborted, false);
    release(token("new"));
    await clock.advance(0);
    assert.equal(await tokenOf(source), "new");
  });
});

describe("invalidate", () => {
  it("forgets every token", async () => {
    const { source, count } = place();
    await Promise.all([source.get(), source.get({ scope: "a" })]);
    source.invalidate();
    assert.equal(source.peek(), undefined);
    assert.equal(source.peek({ scope: "a" }), undefined);
    await Promise.all([source.get(), source.get({ scope: "a" })]);
    assert.equal(count(), 4);
  });

  it("forgets one token, if it is still the one", async () => {
    const { source, count } = place();
    const [one, other] = await Promise.all([source.get(), source.get({ scope: "a" })]);
    source.invalidate("unknown");
    source.invalidate(one.accessToken);
    assert.equal(source.peek(), undefined);
    assert.equal(source.peek({ scope: "a" })?.accessToken, other.accessToken);
    const renewed = await source.get();
    source.invalidate(one.accessToken);
    assert.equal(await tokenOf(source), renewed.accessToken);
    assert.equal(count(), 3);
  });

  it("beats a request under way: nobody gets what began before", async () => {
    const { source, answer, count } = place();
    const first = held();
    answer(first.reply);
    const [early, other] = [source.get(), source.get({ signal: new AbortController().signal })];
    await first.asked;
    source.invalidate();
    answer();
    const late = source.get();
    assert.equal((await late).accessToken, "token-1");
    first.release(token("begun-before"));
    assert.deepEqual((await Promise.all([early, other])).map(({ accessToken }) => accessToken), [
      "token-1",
      "token-1",
    ]);
    assert.equal(await tokenOf(source), "token-1");
    assert.equal(count(), 2);
  });

  it("ends the pause after a failure", async () => {
    const { source, answer, count } = place();
    answer(new Response("", { status: 503, headers: { "retry-after": "300" } }));
    await failureOf(source.get());
    answer();
    source.invalidate();
    assert.equal(await tokenOf(source), "token-1");
    assert.equal(count(), 2);
  });
});

describe("a server that wants to be left alone", () => {
  it("is not asked before its Retry-After is over; callers get its words at once", async () => {
    const { source, answer, clock, count } = place();
    answer(json({ error: "temporarily_unavailable" }, 503, { "retry-after": "60" }));
    assert.equal((await failureOf(source.get())).retryAfter, 60);
    await clock.advance(20_000);
    for (const options of [{}, { force: true }, { minValidity: 10 }]) {
      const error = await failureOf(source.get(options));
      assert.equal(error.code, "unavailable");
      assert.equal(error.serverError, "temporarily_unavailable");
      assert.equal(error.retryAfter, 40);
      assert.equal(error.sent, false);
    }
    assert.equal(count(), 1);
    answer();
    await clock.advance(40_000);
    assert.equal(await tokenOf(source), "token-1");
    assert.equal(count(), 2);
  });

  it("may answer for another scope", async () => {
    const { source, answer } = place();
    answer(new Response("", { status: 503, headers: { "retry-after": "60" } }));
    await failureOf(source.get({ scope: "a" }));
    answer();
    assert.equal((await source.get({ scope: "b" })).accessToken, "token-1");
  });

  it("is asked at once when it did not say how long, and no token is at hand", async () => {
    const { source, answer } = place();
    answer(json({ error: "invalid_client" }, 401));
    await failureOf(source.get());
    answer();
    assert.equal(await tokenOf(source), "token-1");
  });
});

describe("the tokens of a source", () => {
  const defaults = { scope: "a b", audience: "one", resource: ["https://x.test", "https://y.test"] };

  for (
    const [what, asked] of [
      ["nothing said", {}],
      ["nothing said but how long", { minValidity: 1 }],
      ["undefined", { scope: undefined, audience: undefined }],
      ["the defaults themselves", defaults],
      ["scopes in another order", { scope: "b a" }],
      ["scopes twice and with blanks", { scope: " b  a b" }],
      ["resources in another order", { resource: ["https://y.test", "https://x.test"] }],
    ] as const
  ) {
    it(`are the same with ${what}`, async () => {
      const { source, count } = place({ grant: clientCredentials(defaults) });
      await source.get();
      assert.equal((await source.get(asked)).accessToken, "token-1");
      assert.equal(source.peek(asked as TokenParameters)?.accessToken, "token-1");
      assert.equal(count(), 1);
    });
  }

  for (
    const asked of [
      { scope: "a" },
      { scope: "a b c" },
      { scope: "ab" },
      { scope: "" },
      { audience: "two" },
      { audience: "" },
      { resource: "https://x.test" },
      { resource: [] },
      { authorizationDetails: [{ type: "x" }] },
      { extra: { acr_values: "1" } },
    ]
  ) {
    it(`are others with ${JSON.stringify(asked)}, also under way`, async () => {
      const { source, count } = place({ grant: clientCredentials(defaults) });
      const tokens = await Promise.all([source.get(), source.get(asked), source.get(), source.get(asked)]);
      assert.equal(new Set(tokens.map(({ accessToken }) => accessToken)).size, 2);
      assert.equal((await source.get(asked)).accessToken, tokens[1].accessToken);
      assert.equal(count(), 2);
    });
  }

  it("are asked for with what the call says, and the defaults where it says nothing", async () => {
    const authorizationDetails = [{ type: "x" }];
    const grant = clientCredentials({
      scope: "a",
      audience: "one",
      authorizationDetails,
      extra: { foo: "1" },
    });
    const { source, sent } = place({ grant });
    await source.get();
    await source.get({ audience: "two", extra: { foo: "2" } });
    const details = JSON.stringify(authorizationDetails);
    const form = {
      grant_type: "client_credentials",
      client_id: "app",
      scope: "a",
      authorization_details: details,
    };
    assert.deepEqual(sent.map((one) => Object.fromEntries(one.form)), [
      { ...form, audience: "one", foo: "1" },
      { ...form, audience: "two", foo: "2" },
    ]);
  });

  it("are renewed each in its time, however often they were served", async () => {
    const lives: Record<string, number> = { short: 100, long: 1000 };
    const { source, clock, count } = place({
      members: ({ form }) => ({ expires_in: lives[form.get("scope") ?? ""] ?? 500 }),
    });
    const wishes = [undefined, {}, { scope: "short" }, { scope: "long" }];
    const tokens = async () => {
      const served: string[] = [];
      for (let time = 0; time < 3; time++) {
        for (const wish of wishes) served.push((await source.get(wish)).accessToken);
      }
      return [...new Set(served)];
    };
    assert.deepEqual(await tokens(), ["token-1", "token-2", "token-3"]);
    // the short one is over, the others are not; then the one that no scope was named for
    await clock.advance(101_000);
    assert.deepEqual(await tokens(), ["token-1", "token-4", "token-3"]);
    source.invalidate("token-4");
    assert.deepEqual(await tokens(), ["token-1", "token-5", "token-3"]);
    assert.equal((await source.get({ scope: "long", minValidity: 890 })).accessToken, "token-3");
    assert.equal((await source.get({ scope: "long", minValidity: 950 })).accessToken, "token-6");
    assert.equal((await source.get({ scope: "long", force: true })).accessToken, "token-7");
    assert.equal((await source.get({ scope: "long" })).accessToken, "token-7");
    assert.equal(count(), 7);
    source.invalidate();
    assert.deepEqual(await tokens(), ["token-8", "token-9", "token-10"]);
  });

  it("do not pass for a wider one because the server gave less", async () => {
    const { source, count } = place({ members: ({ form }) => ({ scope: form.get("scope")?.split(" ")[0] }) });
    assert.equal((await source.get({ scope: "a b" })).scope, "a");
    assert.equal((await source.get({ scope: "a" })).accessToken, "token-2");
    assert.equal((await source.get({ scope: "a b" })).accessToken, "token-1");
    assert.equal(count(), 2);
  });

  it("are not those of another client, another secret, another issuer or another source", async () => {
    const { issuer, sent } = place();
    const clients = [
      { clientId: "one" },
      { clientId: "two" },
      { clientId: "two", authentication: clientSecretPost("s") },
      { clientId: "two", authentication: clientSecretPost("t") },
    ];
    const sources = clients.map((client) => tokenSource(issuer, client, clientCredentials()));
    const tokens = await Promise.all(sources.map((source) => source.get()));
    assert.equal(new Set(tokens.map(({ accessToken }) => accessToken)).size, 4);
    assert.equal(sent.length, 4);
    sources[0].invalidate();
    assert.ok(sources[1].peek());
    const elsewhere = place();
    assert.equal((await elsewhere.source.get()).accessToken, "token-1");
  });
});

describe("peek", () => {
  it("gives what is valid now, without waiting and without asking", async () => {
    const { source, count, clock } = place();
    assert.equal(source.peek(), undefined);
    await source.get();
    await clock.advance(299_000);
    assert.equal(source.peek()?.accessToken, "token-1");
    await clock.advance(1000);
    assert.equal(source.peek(), undefined);
    assert.equal(count(), 1);
  });
});

describe("a source that is printed", () => {
  it("shows no secret and no token", async () => {
    const client = { clientId: "c", authentication: clientSecretPost("secret-canary") };
    const { source } = place({ client, members: () => ({ access_token: "access-canary" }) });
    await source.get();
    assertHides({ source, client }, "secret-canary", "access-canary");
  });
});
