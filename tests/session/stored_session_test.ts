import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { claimsOf } from "../jwt.ts";
import { denoKvStore } from "../../lib/store/deno_kv.ts";
import { blobStore } from "../../lib/store/blob.ts";
import { memoryStore } from "../../lib/store/memory.ts";
import { storedSession } from "../../lib/session/stored_session.ts";
import { tokenSource } from "../../lib/session/token_source.ts";
import type { AuthorizationServerOptions } from "../../lib/testing/mod.ts";
import { app, failureOf, type World, world } from "../oauth/support.ts";
import { holdsPlaintext } from "../store/plaintext.ts";
import {
  key,
  type Member,
  member,
  passing,
  type SharedStore,
  sharedStore,
  signedIn,
  unreachable,
} from "./shared_store.ts";

interface Shared extends World, SharedStore {
  readonly members: Member[];
  /** Until nothing is under way any more, also what nobody waits for. */
  idle(): Promise<void>;
}

/** Several processes, after somebody has signed in. */
async function shared(
  { members = 2, aheadBy = [], scope, ...options }: AuthorizationServerOptions & {
    readonly members?: number;
    readonly aheadBy?: readonly number[];
    readonly scope?: string;
  } = {},
): Promise<Shared> {
  const made = await world(options);
  const store = sharedStore(made.clock);
  const under = new Set<Promise<unknown>>();
  const idle = async () => {
    for (const work of under) await passing(made.clock, work);
    under.clear();
  };
  const all = Array.from(
    { length: members },
    (_, at) => member(made, store.store, { aheadBy: aheadBy[at], waitUntil: (work) => void under.add(work) }),
  );
  await all[0].session.save(made.issuer, app, await signedIn(made, scope));
  return { ...made, ...store, members: all, idle };
}

const family = ({ server }: World) => {
  const { presented, reused, revoked } = server.families.at(-1)!;
  return { presented, reused, revoked };
};
const whole = (presented: number) => ({ presented, reused: 0, revoked: false });

/** All callers of all processes at once; the distinct tokens that they got. */
async function tokensOf({ clock, members }: Shared, callers = 20): Promise<string[]> {
  const calls = members.flatMap(({ source }) => Array.from({ length: callers }, () => source.get()));
  const given = await passing(clock, Promise.all(calls));
  return [...new Set(given.map(({ accessToken }) => accessToken))];
}

describe("a session in a store", () => {
  it("is refused by a store that lacks what a rotating refresh token needs", () => {
    const blobs = blobStore({
      get: () => Promise.resolve(null),
      put: async () => {},
      delete: async () => {},
    });
    const cases: [store: Parameters<typeof storedSession>[0]["store"], message: RegExp][] = [
      [blobs, /cannot refuse a write by somebody who has not seen the newest value, and may give an older/],
      [memoryStore(), /may lose what it has acknowledged/],
      [denoKvStore({} as never, { durable: false }), /may lose what it has acknowledged/],
      [
        { ...memoryStore(), capabilities: { ...memoryStore().capabilities, durable: true, lease: false } },
        /this store has no leases/,
      ],
    ];
    for (const [store, message] of cases) {
      assert.throws(() => storedSession({ store, key, name: "n" }), { code: "unsupported", message });
    }
  });

  it("starts with the token of the sign-in", async () => {
    const place = await shared({ members: 4 });
    assert.equal((await tokensOf(place)).length, 1);
    assert.deepEqual(family(place), whole(0));
  });

  it("is refreshed once for all processes and all callers, life after life", async () => {
    const place = await shared({ members: 4 });
    const seen = new Set<string>();
    for (let life = 1; life <= 4; life++) {
      await place.clock.advance(301_000);
      const tokens = await tokensOf(place, 50);
      assert.equal(tokens.length, 1);
      seen.add(tokens[0]);
      assert.deepEqual(family(place), whole(life));
    }
    assert.equal(seen.size, 4);
  });

  it("is refreshed early by one process, while the others serve what they have", async () => {
    const place = await shared({ members: 3 });
    await tokensOf(place);
    await place.clock.advance(250_000);
    const answers = place.server.nextAnswer("token", "refresh_token");
    const tokens = await tokensOf(place);
    assert.equal(tokens.length, 1);
    assert.equal((await answers).status, 200);
    // whoever has not renewed it looks into the store again, and finds the new one
    await place.idle();
    await place.clock.advance(1000);
    await tokensOf(place);
    await place.idle();
    const now = await tokensOf(place);
    assert.equal(now.length, 1);
    assert.notEqual(now[0], tokens[0]);
    assert.deepEqual(family(place), whole(1));
  });

  it("gives each scope a token of its own, one refresh after the other", async () => {
    const place = await shared({ members: 3 });
    const calls = place.members.flatMap(({ source }) =>
      ["a", "b", "a", "b"].map((scope) => source.get({ scope }))
    );
    const given = await passing(place.clock, Promise.all(calls));
    assert.equal(new Set(given.map(({ accessToken }) => accessToken)).size, 2);
    assert.deepEqual(family(place), whole(2));
  });

  it("renews a token once that several processes call bad at the same time", async () => {
    const place = await shared({ members: 3 });
    const [bad] = await tokensOf(place);
    await place.clock.advance(1000);
    for (const { source } of place.members) source.invalidate(bad);
    const tokens = await tokensOf(place);
    assert.equal(tokens.length, 1);
    assert.notEqual(tokens[0], bad);
    assert.deepEqual(family(place), whole(1));
  });

  it("says that nobody is signed in, and what to do", async () => {
    const made = await world();
    const { store } = sharedStore(made.clock);
    const { source, session } = member(made, store);
    const expected = {
      code: "sign_in_required",
      nextStep: /keep the tokens with save\(\) under the name "cat/,
    };
    await assert.rejects(passing(made.clock, source.get()), expected);
    assert.equal(await session.read(), undefined);
    assert.equal(await session.remove(), false);
    const { refreshToken: _none, ...without } = await signedIn(made);
    await assert.rejects(session.save(made.issuer, app, without), { code: "invalid_argument" });
  });

  it("says who is signed in, also after the server has ended it", async () => {
    const place = await shared();
    const [{ session }, { source }] = place.members;
    const before = await session.read();
    assert.deepEqual([before?.scope, before?.ended], ["openid a b", undefined]);
    place.server.revokeSession("ada");
    await place.clock.advance(301_000);
    await assert.rejects(passing(place.clock, source.get()), { code: "sign_in_required" });
    assert.ok((await session.read())?.ended?.words);
  });

  it("is not replaced where that is not wanted, and else begins a new family", async () => {
    const place = await shared();
    const [one, other] = place.members;
    const next = await signedIn(place);
    assert.equal(await other.session.save(place.issuer, app, next, { replace: false }), false);
    const [before] = await tokensOf(place);
    assert.equal(await other.session.save(place.issuer, app, next), true);
    one.source.invalidate();
    assert.notEqual((await passing(place.clock, one.source.get())).accessToken, before);
    assert.equal(place.server.families.length, 2);
    assert.deepEqual(place.server.families.map(({ reused, revoked }) => [reused, revoked]), [[0, false], [
      0,
      false,
    ]]);
  });

  it("is not set back when the same tokens are kept again, after an error or by a process that starts", async () => {
    const made = await world();
    const { store } = sharedStore(made.clock);
    const [one, other] = [member(made, store), member(made, store)];
    const issued = await signedIn(made);
    await one.session.save(made.issuer, app, issued);
    await made.clock.advance(301_000);
    const { accessToken } = await passing(made.clock, one.source.get());
    assert.equal(await other.session.save(made.issuer, app, issued), true);
    assert.equal((await passing(made.clock, other.source.get())).accessToken, accessToken);
    const next = await signedIn(made);
    assert.equal(await one.session.save(made.issuer, app, next), true);
    await made.clock.advance(301_000);
    await passing(made.clock, other.source.get());
    assert.equal(await one.session.save(made.issuer, app, next), true);
    await made.clock.advance(301_000);
    await passing(made.clock, one.source.get());
    assert.deepEqual(family(made), whole(2));
  });

  it("is replaced by that of another client whose refresh token happens to be the same", async () => {
    const made = await world();
    const { session } = member(made, sharedStore(made.clock).store);
    const issued = await signedIn(made);
    await session.save(made.issuer, app, issued);
    await session.save(made.issuer, { clientId: "service" }, issued);
    const error = await failureOf(
      passing(made.clock, tokenSource(made.issuer, app, session).get({ scope: "a" })),
    );
    assert.match(error.message, /it is of the client "service"/);
  });

  it("is forgotten with its tokens", async () => {
    const place = await shared();
    const [one, other] = place.members;
    assert.equal(await one.session.remove(), true);
    await assert.rejects(passing(place.clock, other.source.get()), { code: "sign_in_required" });
  });

  it("is refused to another client and at another issuer", async () => {
    const place = await shared();
    const { session } = place.members[1];
    const stranger = tokenSource(place.issuer, { clientId: "somebody-else" }, session);
    const error = await failureOf(passing(place.clock, stranger.get()));
    assert.equal(error.code, "invalid_argument");
    assert.match(error.message, /"catalogue": it is of the client "app" at https:\/\/as\.test$/);
    assert.deepEqual(family(place), whole(0));
  });

  it("gives the store nothing that can be read", async () => {
    const place = await shared();
    await place.clock.advance(301_000);
    const [accessToken] = await tokensOf(place);
    const secrets = [accessToken, "refresh_token", "access_token", "catalogue.example", "openid a b"];
    const issued = await signedIn(place);
    await place.members[0].session.save(place.issuer, app, issued);
    assert.ok(place.written.length >= 6);
    for (const secret of [...secrets, issued.refreshToken!, issued.accessToken]) {
      assert.ok(!place.written.some((bytes) => holdsPlaintext(bytes, secret)), secret);
    }
  });

  it("opens with the same key only", async () => {
    const place = await shared();
    const other = member(place, place.store, { key: new Uint8Array(32).fill(9) });
    const keyError = {
      code: "key",
      nextStep:
        "Put the key back with which it was written, or sign in again and keep the tokens with save() under " +
        'the name "catalogue"',
    };
    await assert.rejects(passing(place.clock, other.source.get()), keyError);
    await assert.rejects(other.session.read(), keyError);
    await assert.rejects(other.session.save(place.issuer, app, await signedIn(place)), keyError);
    const failing = member(place, place.store, { key: () => Promise.reject(unreachable()) });
    await assert.rejects(passing(place.clock, failing.source.get()), { code: "storage" });
    assert.deepEqual(family(place), whole(0));
  });

  it("takes no key but 32 bytes: a text of that length is none, nor is one that comes late", async () => {
    const place = await shared();
    const message = /must be a Uint8Array of 32 bytes, and is (?:a text|16 bytes|something else)$/;
    for (
      const key of ["0123456789abcdef0123456789abcdef", new Uint8Array(16), undefined, Array(32).fill(1)]
    ) {
      const given = key as Uint8Array;
      assert.throws(() => member(place, place.store, { key: given }), { code: "key", message });
      const { session, source } = member(place, place.store, { key: () => given });
      await assert.rejects(session.read(), { code: "key", message });
      await assert.rejects(passing(place.clock, source.get()), { code: "key", message });
    }
    assert.deepEqual(family(place), whole(0));
  });

  it("tells a Worker what is under way", async () => {
    const place = await shared();
    const told: Promise<unknown>[] = [];
    const { source } = member(place, place.store, { waitUntil: (work) => void told.push(work) });
    await place.clock.advance(301_000);
    const { accessToken } = await passing(place.clock, source.get());
    assert.equal(told.length, 1);
    assert.equal((await told[0] as { accessToken: string }).accessToken, accessToken);
  });

  it("lets a caller go who gives up while another process renews", async () => {
    const place = await shared();
    await place.clock.advance(301_000);
    const lease = await place.store.lease!("session/catalogue", 600_000);
    const end = new AbortController();
    const waiting = place.members[0].source.get({ signal: end.signal });
    await place.clock.untilWaiting();
    end.abort();
    await assert.rejects(waiting, { code: "aborted" });
    await lease!.release();
    assert.equal((await tokensOf(place)).length, 1);
    assert.deepEqual(family(place), whole(1));
  });
});

describe("a session in a store that is down", () => {
  it("serves a token that is still good, then says so, and never asks the server", async () => {
    const place = await shared();
    const [good] = await tokensOf(place);
    place.down(true);
    // in the middle of the time in which it is renewed early
    await place.clock.advance(270_000);
    assert.deepEqual(await tokensOf(place), [good]);
    await place.clock.advance(31_000);
    for (const { source } of place.members) {
      await assert.rejects(passing(place.clock, source.get()), { code: "storage", message: /ECONNREFUSED/ });
    }
    assert.equal(place.server.count("token"), 0);
    place.down(false);
    assert.equal((await tokensOf(place)).length, 1);
    assert.deepEqual(family(place), whole(1));
  });

  for (
    const [what, matches] of Object.entries(
      {
        "the lease": ({ what }) => what === "lease",
        "the lease's renewal": ({ what }) => what === "renew",
        "the look at the session": ({ what, key }) => what === "read" && key.startsWith("session/"),
        "the announcement": ({ what, key }) => what === "compareAndSet" && key.startsWith("attempt/"),
      } satisfies Record<string, (call: SharedStore["calls"][number]) => boolean>,
    )
  ) {
    it(`sends nothing when ${what} fails`, async () => {
      const place = await shared();
      await place.clock.advance(301_000);
      place.before((call) => {
        if (matches(call)) throw unreachable();
      });
      await assert.rejects(passing(place.clock, place.members[0].source.get()), { code: "storage" });
      assert.equal(place.server.count("token"), 0);
      place.before(undefined);
      assert.equal((await tokensOf(place)).length, 1);
      assert.deepEqual(family(place), whole(1));
    });
  }

  it("waits with the answer in hand until it is back", async () => {
    const place = await shared();
    await place.clock.advance(301_000);
    // at once: what is written of the answer is encrypted first
    const answered = place.server.nextAnswer("token", "refresh_token").then(() => place.down(true));
    const work = place.members[0].source.get();
    await passing(place.clock, answered);
    for (let second = 0; second < 12; second++) await place.clock.advance(1000);
    place.down(false);
    await passing(place.clock, work);
    assert.equal((await tokensOf(place)).length, 1);
    assert.deepEqual(family(place), whole(1));
  });

  it("keeps an answer that could be written nowhere, and writes it when it is back", async () => {
    const place = await shared({ members: 1 });
    await place.clock.advance(301_000);
    // at once: what is written of the answer is encrypted first
    const answered = place.server.nextAnswer("token", "refresh_token").then(() => place.down(true));
    const work = failureOf(place.members[0].source.get());
    await passing(place.clock, answered);
    assert.equal((await passing(place.clock, work, 500)).code, "storage");
    place.down(false);
    assert.equal((await tokensOf(place)).length, 1);
    assert.deepEqual(family(place), whole(1));
    await place.clock.advance(301_000);
    assert.equal((await tokensOf(place)).length, 1);
    assert.deepEqual(family(place), whole(2));
  });
});

describe("a lease that ends while its holder is at work", () => {
  /** Stops one process before its next call of this kind, until the returned function is called; its renewals too. */
  function stopped(place: Shared, matches: (call: SharedStore["calls"][number]) => boolean) {
    const reached = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    let isOver = false;
    let leases = 0;
    place.before(async (call) => {
      if (!isOver) leases = Math.max(leases, call.lease ?? 0);
      const isIts = call.what === "renew" && call.lease! <= leases;
      if (isOver ? !isIts : !matches(call)) return;
      isOver = true;
      reached.resolve();
      await goOn.promise;
    });
    return { reached: reached.promise, goOn: goOn.resolve };
  }

  it("keeps the refresh token from being sent: the process takes what the next holder brings", async () => {
    const place = await shared();
    await place.clock.advance(301_000);
    const [one, other] = place.members;
    const stop = stopped(place, ({ what, key }) => what === "compareAndSet" && key.startsWith("attempt/"));
    const late = one.source.get();
    await passing(place.clock, stop.reached);
    await place.clock.advance(46_000);
    const brought = await passing(place.clock, other.source.get());
    stop.goOn();
    assert.equal((await passing(place.clock, late)).accessToken, brought.accessToken);
    assert.deepEqual(family(place), whole(1));
  });

  it("is noticed by a process that stood still right before it would have sent", async () => {
    const place = await shared();
    await place.clock.advance(301_000);
    const [one, other] = place.members;
    const stop = stopped(place, ({ what }) => what === "renew");
    const late = one.source.get();
    await passing(place.clock, stop.reached);
    await place.clock.advance(11_000);
    const brought = await passing(place.clock, other.source.get());
    stop.goOn();
    assert.equal((await passing(place.clock, late)).accessToken, brought.accessToken);
    assert.deepEqual(family(place), whole(1));
  });

  it("does not let the late answer replace what the next holder has committed", async () => {
    const place = await shared({ refreshTokens: "rotate-grace", graceSeconds: 300 });
    await place.clock.advance(301_000);
    const [one, other] = place.members;
    const stop = stopped(place, ({ what, key }) => what === "compareAndSet" && key.startsWith("session/"));
    const late = one.source.get();
    await passing(place.clock, stop.reached);
    await place.clock.advance(46_000);
    const brought = await passing(place.clock, other.source.get());
    const committed = (await place.store.read("session/catalogue"))!.version;
    stop.goOn();
    await passing(place.clock, late);
    assert.notEqual((await place.store.read("session/catalogue"))!.version, committed);
    // whichever goes first: the sign-in lives on in both processes, through further lives
    for (let life = 0; life < 3; life++) {
      await place.clock.advance(301_000);
      assert.equal((await tokensOf(place)).length, 1);
    }
    assert.ok(brought.accessToken);
    assert.equal(family(place).revoked, false);
  });

  it("is taken over from a process that has died with it, which leaves its announcement", async () => {
    const place = await shared({ refreshTokens: "rotate-grace", graceSeconds: 300 });
    await place.clock.advance(301_000);
    const [one, other] = place.members;
    const stop = stopped(place, ({ what, key }) => what === "compareAndSet" && key.startsWith("session/"));
    one.source.get().catch(() => {});
    await passing(place.clock, stop.reached);
    const began = place.clock.monotonic();
    // its answer is in the log: the next holder commits that, and sends the successor for itself
    await passing(place.clock, other.source.get());
    const waited = place.clock.monotonic() - began;
    assert.ok(waited <= 1000, `${waited} ms`);
    assert.equal(family(place).revoked, false);
    assert.equal(family(place).reused, 0);
  });

  /** How long another process waits for one that dies at the given write of what it notes, in milliseconds. */
  async function waitedFor(place: Shared, write: number): Promise<number> {
    await place.clock.advance(301_000);
    const [one, other] = place.members;
    const isNote = ({ what, key }: SharedStore["calls"][number]) =>
      what === "compareAndSet" && key.startsWith("attempt/");
    const stop = stopped(place, (call) => isNote(call) && --write === 0);
    one.source.get().catch(() => {});
    await passing(place.clock, stop.reached);
    const began = place.clock.monotonic();
    await passing(place.clock, other.source.get());
    return place.clock.monotonic() - began;
  }

  it("is taken over within a second from a process that died before it sent anything", async () => {
    const place = await shared();
    const waited = await waitedFor(place, 1);
    assert.ok(waited <= 1000, `${waited} ms`);
    assert.deepEqual(family(place), whole(1));
  });

  it("is taken over within a second from one that died with the answer, where the server replaces nothing", async () => {
    const place = await shared({ refreshTokens: "reuse" });
    await place.clock.advance(301_000);
    await tokensOf(place);
    const waited = await waitedFor(place, 2);
    assert.ok(waited <= 1000, `${waited} ms`);
    assert.equal(family(place).revoked, false);
  });

  it("is waited for where the request may be on its way, and a second one might end the sign-in", async () => {
    const place = await shared({ refreshTokens: "rotate-grace", graceSeconds: 300 });
    await place.clock.advance(301_000);
    await tokensOf(place);
    const waited = await waitedFor(place, 2);
    assert.ok(waited > 20_000 && waited < 46_000, `${waited} ms`);
    assert.equal(family(place).revoked, false);
  });
});

describe("processes whose clocks differ", () => {
  it("by half a minute make one refresh", async () => {
    const place = await shared({ members: 3, aheadBy: [0, 30, -30] });
    for (let life = 1; life <= 4; life++) {
      await place.clock.advance(350_000);
      assert.equal((await tokensOf(place)).length, 1);
      assert.deepEqual(family(place), whole(life));
    }
  });

  it("by ten minutes end no sign-in, and hand out no token that has ended", async () => {
    const place = await shared({ members: 3, aheadBy: [0, 600, -600], scope: "a b" });
    for (let step = 0; step < 30; step++) {
      await place.clock.advance(47_000);
      for (const { source } of place.members) {
        const { accessToken } = await passing(place.clock, source.get());
        const { exp } = claimsOf(accessToken);
        assert.ok(exp > place.clock.now() / 1000, `step ${step}`);
        await place.idle();
      }
    }
    const { reused, revoked } = family(place);
    assert.deepEqual({ reused, revoked }, { reused: 0, revoked: false });
  });
});
