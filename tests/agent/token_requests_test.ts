import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { type FakeClock, fakeClock } from "../fake_clock.ts";
import { assertEndOf, claimsOf } from "../jwt.ts";
import { type AgentMachine, agentMachine } from "./agent_machine.ts";

describe("access_token", () => {
  let place: AgentMachine;
  beforeEach(async () => place = await agentMachine());
  afterEach(() => place.close());
  const token = (more: Record<string, unknown> = {}) =>
    place.ask({ request: "access_token", account: "demo", ...more });

  it("gives a token with its issuer and its end, and the same one from then on", async () => {
    assert.equal((await place.load("demo")).status, "success");
    const first = await token();
    assert.equal(first.status, "success", JSON.stringify(first));
    assert.equal(first.issuer, place.server.issuer);
    assertEndOf(first.access_token as string, first.expires_at);
    assert.deepEqual(await token({ scope: "", audience: "", min_valid_period: "0" }), first);
    assert.equal(place.server.count("token", "refresh_token"), 1);
  });

  it("keeps a token for each scope and audience, with the end of that one", async () => {
    await place.load("demo");
    const standard = await token();
    const narrow = await token({ scope: "openid", audience: "https://api.test/" });
    assert.notEqual(narrow.access_token, standard.access_token);
    assertEndOf(narrow.access_token as string, narrow.expires_at);
    assert.deepEqual([claimsOf(narrow.access_token as string).aud].flat(), ["https://api.test/"]);
    assert.deepEqual(await token({ scope: "openid", audience: "https://api.test/" }), narrow);
    assert.deepEqual(await token(), standard);
    assert.equal(place.server.count("token", "refresh_token"), 2);
  });

  it("asks for several audiences, in the words of RFC 8707", async () => {
    await place.load("demo");
    const reply = await token({ audience: "https://a.test/ https://b.test/" });
    assert.equal(reply.status, "success", JSON.stringify(reply));
    const { parameters } = place.server.requests.findLast(({ endpoint }) => endpoint === "token")!;
    assert.deepEqual(parameters.getAll("resource"), ["https://a.test/", "https://b.test/"]);
  });

  it("renews when it is told to, and when the token is too short", async () => {
    await place.load("demo");
    const first = await token();
    const forced = await token({ min_valid_period: -1 });
    assert.notEqual(forced.access_token, first.access_token);
    assert.deepEqual(await token({ min_valid_period: 200 }), forced);
    assert.equal(place.server.count("token", "refresh_token"), 2);
  });

  it("writes a rotated refresh token to the file without asking, and another agent goes on with it", async () => {
    await place.load("demo");
    const key = Uint8Array.from({ length: 80 }, (_, at) => at);
    const before = (await place.stored("demo", key)).refresh_token;
    await token();
    const after = await place.stored("demo", key);
    assert.notEqual(after.refresh_token, before);
    const other = place.again();
    const gone = new AbortController().signal;
    await other.answer({ request: "add", account: "demo", key: btoa(String.fromCharCode(...key)) }, { gone });
    const reply = await other.answer({ request: "access_token", account: "demo", min_valid_period: -1 }, {
      gone,
    });
    assert.equal(reply.status, "success");
    assert.equal(place.server.families.some(({ reused }) => reused > 0), false);
  });

  it("loses no rotated refresh token of an account that came without what opens its file", async () => {
    const key = await place.account("demo");
    const config = await place.stored("demo", key);
    const gone = new AbortController().signal;
    const load = async (request: Record<string, unknown>) => {
      const agent = place.again();
      assert.equal((await agent.answer({ request: "add", ...request }, { gone })).status, "success");
      const reply = await agent.answer({ request: "access_token", account: "demo", min_valid_period: -1 }, {
        gone,
      });
      assert.equal(reply.status, "success", JSON.stringify(reply));
    };
    // what the original's oidc-add sends: the account as it is in the file
    await load({ config });
    await load({ config });
    assert.equal((await place.stored("demo", key)).refresh_token, config.refresh_token);
    await load({ account: "demo", key: btoa(String.fromCharCode(...key)) });
    assert.notEqual((await place.stored("demo", key)).refresh_token, config.refresh_token);
    assert.equal(place.server.families.some(({ reused }) => reused > 0), false);
  });

  it("makes one request of many that want the same at once", async () => {
    await place.load("demo");
    const replies = await Promise.all(Array.from({ length: 20 }, () => token()));
    assert.equal(new Set(replies.map(({ access_token }) => access_token)).size, 1);
    assert.equal(place.server.count("token", "refresh_token"), 1);
  });

  it("is found by its issuer, with and without the last slash", async () => {
    await place.load("demo");
    const { issuer } = place.server;
    const first = await place.ask({ request: "access_token", issuer });
    assert.equal(first.status, "success");
    assert.deepEqual(await place.ask({ request: "access_token", issuer: `${issuer}/` }), first);
    const other = await place.ask({ request: "access_token", issuer: "https://other.test" });
    assert.equal(other.error, "account not loaded");
  });

  it("says at once what is missing, and names the command", async () => {
    await place.account("demo");
    const unloaded = await token();
    assert.equal(unloaded.error, "account not loaded");
    assert.match(String(unloaded.info), /oidc-add demo/);
    const unknown = await place.ask({ request: "access_token", account: "nobody" });
    assert.equal(unknown.error, "No account configured with that short name");
    for (const account of ["../demo", "", "config"]) {
      assert.equal((await place.ask({ request: "access_token", account })).status, "failure");
    }
  });

  it("says a dead refresh token in the server's words and keeps nobody waiting, not even the server", async () => {
    await place.load("demo");
    place.server.revokeSession("ada");
    const reply = await token();
    assert.match(String(reply.error), /^invalid_grant/);
    assert.match(String(reply.info), /oidc-gen demo --reauthenticate/);
    const asked = place.server.count("token");
    assert.match(String((await token()).error), /^invalid_grant/);
    assert.equal(place.server.count("token"), asked);
  });

  it("gives one account's token while another account's server hangs", async () => {
    await place.load("demo");
    await place.load("slow");
    const good = await token();
    place.server.fault("token", { type: "hang" });
    const slow = place.ask({ request: "access_token", account: "slow" });
    await place.server.nextRequest("token");
    assert.deepEqual(await token(), good);
    slow.catch(() => {});
  });

  it("gives an ID token only where that was allowed", async () => {
    await place.load("demo");
    const ask = (agent = place.agent) =>
      agent.answer({ request: "id_token", account: "demo" }, { gone: new AbortController().signal });
    assert.deepEqual(await ask(), { status: "failure", error: "operation forbidden" });
    const free = place.again({ alwaysAllowIdToken: true });
    const gone = new AbortController().signal;
    const key = btoa(String.fromCharCode(...Array.from({ length: 80 }, (_, at) => at)));
    await free.answer({ request: "add", account: "demo", key }, { gone });
    const reply = await ask(free);
    assert.equal(String(reply.id_token).split(".").length, 3, JSON.stringify(reply));
  });

  it("gives nothing without a confirmation where one is wanted and nobody can be asked", async () => {
    const key = btoa(String.fromCharCode(...await place.account("demo")));
    await place.ask({ request: "add", account: "demo", key, confirm: 1 });
    assert.equal((await token()).error, "operation forbidden");
  });
});

/** Moves the clock until the work is done. */
async function whileTimePasses<T>(clock: FakeClock, work: Promise<T>): Promise<T> {
  let isDone = false;
  const done = work.finally(() => isDone = true);
  while (!isDone) {
    // what is no sleep takes its own time, and none of the clock's
    if (clock.waiting() > 0) await clock.advance(20);
    await new Promise((turn) => setTimeout(turn, 1));
  }
  return await done;
}

describe("a token that is due", () => {
  it("is served to its last second while the server is down, and not beyond", async () => {
    const clock = fakeClock();
    const place = await agentMachine({ server: { clock, accessTokenLifetime: 300 }, host: { clock } });
    try {
      await place.load("demo");
      const token = () => place.ask({ request: "access_token", account: "demo" });
      const first = await token();
      place.server.fault("token", { type: "status", status: 503 }, { times: 100 });
      await clock.advance(250_000);
      assert.deepEqual(await whileTimePasses(clock, token()), first);
      await clock.advance(51_000);
      assert.equal((await whileTimePasses(clock, token())).status, "failure");
    } finally {
      place.close();
    }
  });
});
