import assert from "node:assert/strict";
import { get } from "node:http";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { AgentReply } from "../../lib/agent/requests.ts";
import { freePort } from "../free_port.ts";
import { type AgentMachine, agentMachine } from "./agent_machine.ts";

describe("making an account", () => {
  let place: AgentMachine;
  beforeEach(async () => place = await agentMachine({ server: { interval: 0.001 } }));
  afterEach(() => place.close());

  const config = (more: Record<string, unknown> = {}) => ({
    name: "new",
    issuer_url: place.server.issuer,
    client_id: "app",
    scope: "openid",
    redirect_uris: [],
    ...more,
  });
  const gen = (flow: unknown, more: Record<string, unknown> = {}, request: Record<string, unknown> = {}) =>
    place.ask({ request: "gen", config: config(more), flow, ...request });

  interface Device {
    readonly device_code: string;
    readonly user_code: string;
  }

  async function device(more?: Record<string, unknown>, request?: Record<string, unknown>): Promise<Device> {
    const reply = await gen(["device"], more, request);
    assert.equal(reply.status, "accepted", JSON.stringify(reply));
    return reply.oidc_device as Device;
  }

  /** Asks as a client does, until there is an answer. */
  async function untilAnswered(ask: () => Promise<AgentReply>, waits: (reply: AgentReply) => boolean) {
    for (;;) {
      const reply = await ask();
      if (!waits(reply)) return reply;
      await new Promise((done) => setTimeout(done, 5));
    }
  }
  const poll = (oidc_device: Device) =>
    untilAnswered(
      () => place.ask({ request: "device", oidc_device }),
      ({ error }) => error === "authorization_pending",
    );

  it("by a device code: the server's own code stays with the agent, and the account is given once", async () => {
    const oidc_device = await device();
    assert.equal((await place.ask({ request: "device", oidc_device })).error, "authorization_pending");
    assert.equal(place.server.requests.some(({ body }) => body.includes(oidc_device.device_code)), false);
    place.server.approveDevice(oidc_device.user_code);
    const reply = await poll(oidc_device);
    const account = reply.config as Record<string, unknown>;
    assert.deepEqual([reply.status, account.name, account.client_id], ["success", "new", "app"]);
    assert.match(String(account.refresh_token), /\S/);
    assert.deepEqual(String(account.auth_scope).split(" "), ["openid", "offline_access"]);
    assert.match(String((await place.ask({ request: "device", oidc_device })).error), /^expired_token/);
    const token = await place.ask({ request: "access_token", account: "new" });
    assert.equal(token.status, "success");
  });

  it("gives the account to no other process than the one that began", async () => {
    const reply = await place.ask({ request: "gen", config: config(), flow: "device" }, {
      peer: { pid: 10, uid: 0 },
    });
    const oidc_device = reply.oidc_device as Device;
    place.server.approveDevice(oidc_device.user_code);
    const ask = (pid: number) => place.ask({ request: "device", oidc_device }, { peer: { pid, uid: 0 } });
    assert.match(String((await ask(11)).error), /^expired_token/);
    const mine = await untilAnswered(() => ask(10), ({ error }) => error === "authorization_pending");
    assert.equal(mine.status, "success");
  });

  it("is over with the agent: nobody asks the server on", async () => {
    const oidc_device = await device();
    place.agent.close();
    assert.match(String((await place.ask({ request: "device", oidc_device })).error), /^expired_token/);
  });

  it("says when the person has said no, and when the code ran out", async () => {
    const denied = await device();
    place.server.denyDevice(denied.user_code);
    assert.match(String((await poll(denied)).error), /access_denied|refused|denied/i);
    const expired = await device();
    place.server.expireDevice(expired.user_code);
    assert.equal((await poll(expired)).status, "failure");
  });

  it("gives an access token alone, and keeps no account, where that is all that is wanted", async () => {
    const oidc_device = await device({}, { only_at: 1 });
    place.server.approveDevice(oidc_device.user_code);
    const reply = await poll(oidc_device);
    assert.match(String(reply.access_token), /^ey/);
    assert.equal(reply.config, undefined);
    assert.deepEqual((await place.ask({ request: "loaded_accounts" })).info, []);
  });

  it("by the browser: a listener on the loopback, and the account once to whoever asks for its state", async () => {
    const redirect = `http://localhost:${await freePort()}`;
    const reply = await gen(["code"], { redirect_uris: [redirect] });
    assert.equal(reply.status, "accepted", JSON.stringify(reply));
    const { uri, state } = reply as unknown as { uri: string; state: string };
    assert.equal(new URL(uri).searchParams.get("redirect_uri"), redirect);
    assert.equal((await place.ask({ request: "state_lookup", state })).status, "NotFound");
    const back = await place.server.authorize(uri);
    await new Promise<void>((done, fail) =>
      get(
        back,
        { headers: { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" }, agent: false },
        (answer) => answer.resume().on("end", done),
      ).on("error", fail)
    );
    const found = await untilAnswered(
      () => place.ask({ request: "state_lookup", state }),
      ({ status }) => status === "NotFound",
    );
    assert.match(String((found.config as Record<string, unknown>).refresh_token), /\S/);
    assert.equal((await place.ask({ request: "state_lookup", state })).status, "FoundButReceived");
  });

  it("by the browser without a listener: the address is brought by hand, once", async () => {
    const redirect_uris = ["edu.kit.data.oidc-agent:/redirect"];
    const reply = await gen("code", { redirect_uris }, { no_webserver: 1 });
    const redirect_uri = await place.server.authorize(String(reply.uri));
    assert.equal(
      (await place.ask({ request: "code_exchange", redirect_uri: "x:/?state=no" })).error,
      "wrong state",
    );
    const done = await place.ask({ request: "code_exchange", redirect_uri, from_gen: 1 });
    assert.equal(done.status, "success", JSON.stringify(done));
    assert.equal((await place.ask({ request: "code_exchange", redirect_uri })).error, "wrong state");
  });

  it("by a password and by a refresh token; the password is not kept", async () => {
    const byPassword = await gen(["password"], { username: "ada", password: "lovelace" });
    assert.equal(byPassword.status, "success", JSON.stringify(byPassword));
    assert.equal((byPassword.config as Record<string, unknown>).password, "");
    const { refresh_token } = byPassword.config as Record<string, unknown>;
    const byToken = await gen(["refresh"], { refresh_token });
    assert.equal(byToken.status, "success", JSON.stringify(byToken));
    assert.match(
      String((await gen(["password"], { username: "ada", password: "no" })).error),
      /^invalid_grant/,
    );
  });

  it("tries one flow after the other, and names a flow that there is not", async () => {
    const reply = await gen(["code", "device"]);
    assert.equal(reply.status, "accepted");
    assert.ok(reply.oidc_device);
    assert.match(String((await gen(["client_credentials"])).error), /Unknown flow/);
    assert.equal((await gen(["code", "nothing"])).error, "No flow was successful.");
  });

  it("asks for every scope of the server with max", async () => {
    const oidc_device = await device({ scope: "max" });
    const sent = place.server.requests.findLast(({ endpoint }) => endpoint === "device_authorization")!;
    const { info } = await place.ask({ request: "scopes", issuer: place.server.issuer });
    assert.deepEqual(new Set(sent.parameters.get("scope")!.split(" ")), new Set(String(info).split(" ")));
    assert.ok(oidc_device.user_code);
  });

  it("registers a client, signs in with it, and deletes it again", async () => {
    const reply = await place.ask({
      request: "register",
      config: config({ client_id: "", scope: "openid offline_access" }),
      flow: ["device"],
    });
    assert.equal(reply.status, "success", JSON.stringify(reply));
    const client = reply.client as Record<string, unknown>;
    const { json } = place.server.requests.findLast(({ endpoint }) => endpoint === "registration")!;
    const asked = json as Record<string, unknown>;
    assert.deepEqual(asked.grant_types, ["refresh_token", "urn:ietf:params:oauth:grant-type:device_code"]);
    assert.equal(asked.scope, "openid offline_access");
    const oidc_device = await device({ ...client, name: "new", issuer_url: place.server.issuer });
    place.server.approveDevice(oidc_device.user_code);
    const account = (await poll(oidc_device)).config as Record<string, unknown>;
    assert.equal(account.registration_client_uri, client.registration_client_uri);
    assert.equal((await place.ask({ request: "delete", config: account })).status, "success");
    assert.deepEqual((await place.ask({ request: "loaded_accounts" })).info, []);
    assert.equal((await place.ask({ ...client, request: "delete_client" })).status, "success");
    assert.equal(place.server.clientIds.includes(String(client.client_id)), false);
  });

  it("again for an account that is loaded: the file gets the refresh token, and the client no account", async () => {
    const key = await place.account("old");
    const packed = btoa(String.fromCharCode(...key));
    const reauthenticate = () => place.ask({ request: "reauthenticate", account: "old" });
    const unloaded = await reauthenticate();
    assert.equal(unloaded.error, "account not loaded");
    assert.match(String(unloaded.info), /oidc-add old/);
    await place.ask({ request: "add", account: "old", key: packed });
    place.server.revokeSession("ada");
    const dead = await place.ask({ request: "access_token", account: "old" });
    assert.match(String(dead.error), /^invalid_grant/);
    const before = await place.stored("old", key);
    const reply = await reauthenticate();
    assert.equal(reply.status, "accepted", JSON.stringify(reply));
    const oidc_device = reply.oidc_device as Device;
    place.server.approveDevice(oidc_device.user_code);
    const info = "Signed in again to 'old'";
    assert.deepEqual(await poll(oidc_device), { status: "success", info });
    const after = await place.stored("old", key);
    assert.notEqual(after.refresh_token, before.refresh_token);
    assert.deepEqual([after.client_id, after.auth_scope], [before.client_id, before.auth_scope]);
    assert.equal((await place.ask({ request: "access_token", account: "old" })).status, "success");
    const forced = { request: "access_token", account: "old", min_valid_period: -1 };
    assert.equal((await place.ask(forced)).status, "success");
  });
});

describe("mytoken", () => {
  let place: AgentMachine;
  beforeEach(async () => place = await agentMachine());
  afterEach(() => place.close());

  it("is refused in a sentence that says what to do", async () => {
    await place.load("demo");
    for (const request of ["mytoken", "mytoken_supported_providers"]) {
      const { status, error, info } = await place.ask({ request, account: "demo" });
      assert.equal(status, "failure");
      assert.match(String(error), /mytoken/);
      assert.match(String(info), /^Sign in to the server itself: oidc-gen NAME --iss=URL/);
    }
  });

  it("of an account is shown to no other server", async () => {
    await place.load("demo", { mytoken_url: "https://mytoken.test/", refresh_token: "the-mytoken" });
    const { error, info } = await place.ask({ request: "access_token", account: "demo" });
    assert.equal(error, 'Cannot use the account "demo": it is one of mytoken');
    assert.match(String(info), /oidc-gen NAME --iss=URL/);
    assert.equal(place.server.count("token"), 0);
    const device = await place.ask({ request: "reauthenticate", account: "demo" });
    assert.match(String(device.error), /mytoken/);
    assert.equal(place.server.requests.some(({ body }) => body.includes("the-mytoken")), false);
  });
});
