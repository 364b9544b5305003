import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { saveSignIn } from "../../lib/profile/save_sign_in.ts";
import { issuerFromMetadata } from "../../lib/oauth/issuer.ts";
import { discover } from "../../lib/oauth/issuer.ts";
import { passwordGrant } from "../../lib/oauth/grants/password.ts";
import { publicProfile } from "../profile/public_profile.ts";
import { fakeClock } from "../fake_clock.ts";
import { type AgentMachine, agentMachine, KEY } from "./agent_machine.ts";

const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes));

describe("the agent", () => {
  let place: AgentMachine;
  beforeEach(async () => place = await agentMachine());
  afterEach(() => place.close());
  const token = (account = "demo") => place.ask({ request: "access_token", account });

  it("names what it does not know", async () => {
    for (const request of ["nonsense", "constructor", "__proto__", "toString"]) {
      assert.equal((await place.ask({ request })).error, "Bad Request: Unknown request type.");
    }
    for (
      const request of ["access_token", "add", "remove", "gen", "register", "delete", "lock", "code_exchange"]
    ) {
      assert.equal((await place.ask({ request })).status, "failure", request);
    }
  });

  it("lists, by issuer, which accounts there are and which are loaded", async () => {
    await place.account("other");
    place.store.assign(place.server.issuer, "other");
    await place.load("demo");
    assert.deepEqual((await place.ask({ request: "loaded_accounts" })).info, ["demo"]);
    const { info } = await place.ask({ request: "account_info" });
    const accounts = Object.values(info as Record<string, { accounts: unknown }>).map((entry) =>
      entry.accounts
    );
    assert.deepEqual(accounts, [{ other: false, demo: true }]);
  });

  it("drops one account, and all of them", async () => {
    await place.load("demo");
    await place.load("other");
    assert.equal((await place.ask({ request: "remove", account: "demo" })).status, "success");
    assert.equal((await place.ask({ request: "remove", account: "demo" })).error, "account not loaded");
    await place.ask({ request: "remove_all" });
    assert.deepEqual((await place.ask({ request: "loaded_accounts" })).info, []);
  });

  it("holds a hundred accounts, each with its own token", async () => {
    const names = Array.from({ length: 100 }, (_, at) => `account-${at}`);
    await Promise.all(names.map((name) => place.load(name)));
    const replies = await Promise.all(names.map((name) => token(name)));
    assert.equal(new Set(replies.map(({ access_token }) => access_token)).size, 100);
    assert.deepEqual(await Promise.all(names.map((name) => token(name))), replies);
    assert.equal(place.server.count("token", "refresh_token"), 100);
  });

  it("refuses a key that does not fit, and loads nothing", async () => {
    await place.account("demo");
    const wrong = base64(new Uint8Array(80));
    for (const key of [wrong, "AAAA", "?"]) {
      assert.equal((await place.ask({ request: "add", account: "demo", key })).status, "failure");
    }
    assert.deepEqual((await place.ask({ request: "loaded_accounts" })).info, []);
  });

  it("gives out no refresh token, secret or key of an account that is there", async () => {
    await place.load("demo", { client_secret: "the-secret" });
    const { refresh_token } = await place.stored("demo", KEY.key);
    const names = [
      "status",
      "status_json",
      "account_info",
      "loaded_accounts",
      "state_lookup",
      "reauthenticate",
      "device",
    ];
    const replies = [
      ...await Promise.all(names.map((request) => place.ask({ request, account: "demo", state: "demo" }))),
      await token(),
      await place.ask({ request: "file_read", filename: "demo" }),
    ];
    for (const secret of [String(refresh_token), "the-secret", base64(KEY.key)]) {
      assert.equal(JSON.stringify(replies).includes(secret), false);
    }
  });

  it("keeps what a client leaves for its next request", async () => {
    assert.equal((await place.ask({ request: "file_read", filename: "f" })).error, "File not found");
    await place.ask({ request: "file_write", filename: "f", data: "ZGF0YQ==" });
    assert.equal((await place.ask({ request: "file_read", filename: "f" })).data, "ZGF0YQ==");
    await place.ask({ request: "file_remove", filename: "f" });
    assert.equal((await place.ask({ request: "file_read", filename: "f" })).status, "failure");
  });

  it("gives the tokens of a profile too", async () => {
    await signedInProfile(place, "a-profile");
    const reply = await token("a-profile");
    assert.equal(reply.status, "success", JSON.stringify(reply));
    assert.deepEqual((await place.ask({ request: "loaded_accounts" })).info, ["a-profile"]);
    assert.equal(
      (await place.ask({ request: "access_token", issuer: `${place.server.issuer}/` })).status,
      "success",
    );
  });
});

async function signedInProfile({ host, server }: AgentMachine, name: string): Promise<void> {
  const issuer = await discover(server.issuer, { fetch: server.fetch });
  const profile = publicProfile(host, server.issuer, { name, audience: "audience" });
  const tokens = await passwordGrant(issuer, { clientId: "app" }, {
    username: "ada",
    password: "lovelace",
    scope: "openid offline_access",
  });
  const session = {
    format: 1 as const,
    issuer: server.issuer,
    clientId: "app",
    metadata: issuerFromMetadata(issuer.metadata).metadata,
    signedInAt: Math.floor(Date.now() / 1000),
    refreshToken: tokens.refreshToken,
  };
  await saveSignIn(host, profile, session, tokens);
}

describe("a locked agent", () => {
  it("answers nobody until the password comes, and then as before", async () => {
    const place = await agentMachine();
    try {
      // no client secret: what the original never unlocked again
      await place.load("demo");
      const before = await place.ask({ request: "access_token", account: "demo" });
      const lock = (request: string, password: string) => place.ask({ request, password });
      assert.equal((await lock("unlock", "x")).error, "Agent not locked");
      assert.equal((await lock("lock", "the password")).info, "Agent locked");
      for (const request of ["access_token", "loaded_accounts", "gen", "add", "status"]) {
        assert.equal((await place.ask({ request, account: "demo" })).error, "Agent locked");
      }
      assert.equal((await place.ask({ request: "check" })).status, "success");
      assert.equal((await lock("lock", "another")).error, "Agent locked");
      assert.equal((await lock("unlock", "another")).error, "wrong password");
      assert.equal((await lock("unlock", "the password")).info, "Agent unlocked");
      const after = await place.ask({ request: "access_token", account: "demo" });
      assert.deepEqual([after.status, after.issuer], [before.status, before.issuer]);
    } finally {
      place.close();
    }
  });

  it("makes whoever guesses wait longer each time, also in parallel", async () => {
    const clock = fakeClock();
    const place = await agentMachine({ host: { clock }, server: { clock } });
    try {
      await place.ask({ request: "lock", password: "right" });
      const started = clock.monotonic();
      const guesses = Promise.all(
        ["a", "b", "c"].map((password) => place.ask({ request: "unlock", password })),
      );
      let isDone = false;
      guesses.finally(() => isDone = true);
      while (!isDone) {
        await clock.advance(50);
        await new Promise((done) => setTimeout(done, 5));
      }
      assert.ok(clock.monotonic() - started >= 100 + 400 + 900);
      assert.equal((await place.ask({ request: "unlock", password: "right" })).status, "success");
    } finally {
      place.close();
    }
  });
});

describe("lifetimes", () => {
  it("end an account's stay, the agent's own where none was named", async () => {
    const clock = fakeClock();
    const place = await agentMachine({ host: { clock }, server: { clock }, agent: { lifetime: 100 } });
    try {
      const load = async (name: string, lifetime?: number) => {
        const key = base64(await place.account(name));
        return await place.ask({
          request: "add",
          account: name,
          key,
          ...(lifetime === undefined ? {} : { lifetime }),
        });
      };
      assert.equal((await load("short", 50)).info, "Lifetime set to 50 seconds");
      await load("standard");
      await load("forever", 0);
      const loaded = async () => (await place.ask({ request: "loaded_accounts" })).info;
      assert.deepEqual(await loaded(), ["short", "standard", "forever"]);
      await clock.advance(50_000);
      assert.deepEqual(await loaded(), ["standard", "forever"]);
      await clock.advance(50_000);
      assert.deepEqual(await loaded(), ["forever"]);
      assert.equal(
        (await place.ask({ request: "access_token", account: "short" })).error,
        "account not loaded",
      );
    } finally {
      place.close();
    }
  });
});
