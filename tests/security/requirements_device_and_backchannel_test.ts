/**
 * Requirements on sign-ins with another device: device codes (RFC 8628) and CIBA. What a person
 * sees of it is in `requirements_device_command_test.ts`, D10 in `requirements_documents_test.ts`.
 *
 * | not here | because |
 * | --- | --- |
 * | D11 | replaced: tokens are bound to a key (DPoP) only when that is asked for |
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { decoded } from "../jwt.ts";
import { backchannelAuthentication, deviceAuthorization, discover, generateSigningKey } from "../../mod.ts";
import {
  type AuthorizationServer,
  authorizationServer,
  type AuthorizationServerOptions,
  type Fault,
} from "../../lib/testing/mod.ts";
import { fakeClock } from "../fake_clock.ts";
import { driven } from "../hostile/driven.ts";
import { app, json, refusedWith, service, stub, tokens, world } from "./support.ts";

/** What a device authorization answers. */
function codes(members: Record<string, unknown> = {}): Record<string, unknown> {
  const page = { verification_uri: "https://as.test/device", expires_in: 600 };
  return { device_code: "device-code", user_code: "ABCD-EFGH", ...page, ...members };
}

/** An authorization server on a clock that goes on by itself while nobody is busy. */
async function pacedWorld(options: AuthorizationServerOptions = {}) {
  const { clock, http, run } = driven({ fetch: (url, init) => server.fetch(url, init) });
  const server: AuthorizationServer = await authorizationServer({ clock, ...options });
  const issuer = await discover(server.issuer, http);
  const started = clock.now();
  /** The seconds before each poll. */
  const pauses = () => {
    const polls = server.requests.filter(({ endpoint }) => endpoint === "token");
    return polls.map(({ at }, index) => (at - (polls[index - 1]?.at ?? started)) / 1000);
  };
  return { clock, run, server, issuer, pauses };
}

/** A device sign-in that meets faults, one a poll, and is approved. */
async function pausesWith(...faults: Fault[]): Promise<number[]> {
  const { server, issuer, run, pauses } = await pacedWorld();
  const device = await deviceAuthorization(issuer, app);
  for (const fault of faults) server.fault("token", fault);
  server.approveDevice(device.userCode);
  assert.ok((await run(device.wait())).accessToken);
  return pauses();
}

const pending = { type: "error", error: "authorization_pending" } as const;
const slowDown = { type: "error", error: "slow_down" } as const;

describe("a sign-in with a device code", () => {
  it("D1 needs its codes, its page and its end, and asks every 5 s when nobody says", async () => {
    for (const name of ["device_code", "user_code", "verification_uri", "expires_in"]) {
      for (const value of [undefined, null, "", {}, name === "expires_in" ? "soon" : 5]) {
        const { issuer } = stub(json(codes({ [name]: value })));
        const error = await refusedWith("invalid_response", deviceAuthorization(issuer, app), name);
        assert.match(
          error.message,
          name === "verification_uri" && value === 5 ? /page|verification_uri/ : new RegExp(`"${name}"`),
        );
      }
    }
    for (
      const page of [
        "http://as.test/",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://user:pw@as.test/",
      ]
    ) {
      await refusedWith(
        "invalid_response",
        deviceAuthorization(stub(json(codes({ verification_uri: page }))).issuer, app),
      );
    }
    const google = stub(
      json({ ...codes({ verification_uri: undefined }), verification_url: "https://google.test/device" }),
    );
    assert.equal(
      (await deviceAuthorization(google.issuer, app)).verificationUri,
      "https://google.test/device",
    );
    assert.deepEqual(google.met, ["verification-url"]);
    const { issuer, clock, sent } = stub([json(codes()), json(tokens())]);
    const work = (await deviceAuthorization(issuer, app)).wait();
    await clock.untilWaiting();
    await clock.advance(4999);
    assert.equal(sent.length, 1);
    await clock.advance(1);
    assert.ok((await work).accessToken);
  });

  it("D3 never asks before the interval is over, in 200 polls", async () => {
    const { server, issuer, run } = await pacedWorld({ interval: 7, deviceCodeLifetime: 7200 });
    const device = await deviceAuthorization(issuer, app);
    server.fault("token", pending, { times: 199 });
    server.approveDevice(device.userCode);
    await run(device.wait());
    const polls = server.requests.filter(({ endpoint }) => endpoint === "token");
    assert.equal(polls.length, 200);
    for (let index = 1; index < polls.length; index++) {
      assert.ok(polls[index].at - polls[index - 1].at >= 7000);
    }
  });

  it("D4 waits 5 s longer after each slow_down, for good, longer if the server says so, and never shorter", async () => {
    assert.deepEqual(await pausesWith(pending, slowDown, pending, slowDown, pending), [5, 5, 10, 10, 15, 15]);
    const asWished = (seconds: string): Fault => ({
      type: "body",
      status: 400,
      body: '{"error":"slow_down"}',
      headers: { "retry-after": seconds },
    });
    assert.deepEqual(await pausesWith(asWished("30"), pending, asWished("1"), pending), [5, 30, 30, 35, 35]);
  });

  it("D5 ends with any other error, which is told", async () => {
    const ends = [["access_denied", "access_denied"], ["expired_token", "expired_code"], [
      "invalid_client",
      "server_refused",
    ]] as const;
    for (
      const [error, code] of [...ends, ["invalid_grant", "server_refused"], [
        "nobody_knows",
        "server_refused",
      ]] as const
    ) {
      const { server, issuer, run } = await pacedWorld();
      const device = await deviceAuthorization(issuer, app);
      server.fault("token", { type: "error", error, description: "in words" });
      const refused = await refusedWith(code, run(device.wait()), error);
      assert.equal(refused.serverError, error);
      assert.equal(server.count("token"), 1);
    }
  });

  it("D6 asks half as often after each broken connection, and ends when the code does", async () => {
    const reset = { type: "reset" } as const;
    assert.deepEqual(await pausesWith(reset, reset, reset), [5, 10, 20, 40]);
    assert.deepEqual(await pausesWith(reset, pending, reset), [5, 10, 5, 10]);
    const { server, issuer, run, clock, pauses } = await pacedWorld();
    server.fault("token", reset, { times: Infinity });
    const started = clock.now();
    await refusedWith("expired_code", run((await deviceAuthorization(issuer, app)).wait()));
    assert.deepEqual(pauses().slice(0, 6), [5, 10, 20, 40, 60, 60]);
    assert.equal(clock.now() - started, 600_000);
  });

  it("D12 keeps the device code and the verifier to itself", async () => {
    const { issuer, sent, clock } = stub([json(codes({ device_code: "device-canary" })), json(tokens())]);
    const device = await deviceAuthorization(issuer, app);
    const work = device.wait();
    await clock.untilWaiting();
    await clock.advance(5000);
    await work;
    const verifier = sent[1].form.get("code_verifier")!;
    const views = [
      inspect(device, { depth: Infinity, showHidden: true }),
      JSON.stringify(device),
      String(device),
    ].join();
    for (const secret of ["device-canary", verifier]) assert.ok(!views.includes(secret));
  });
});

describe("a sign-in that the server brings to another device (CIBA)", () => {
  const hint = { loginHint: "ada" };
  const metadata = { backchannel_authentication_endpoint: "https://as.test/backchannel" };

  it("D13 needs its identifier and its end, and asks every 5 s when nobody says", async () => {
    for (const name of ["auth_req_id", "expires_in"]) {
      const { issuer } = stub(json({ auth_req_id: "id", expires_in: 60, [name]: undefined }), { metadata });
      const error = await refusedWith("invalid_response", backchannelAuthentication(issuer, service, hint));
      assert.match(error.message, new RegExp(`"${name}"`));
    }
    const { issuer, clock, sent } = stub([json({ auth_req_id: "id", expires_in: 60 }), json(tokens())], {
      metadata,
    });
    const work = (await backchannelAuthentication(issuer, service, { ...hint, scope: "read" })).wait();
    await clock.untilWaiting();
    await clock.advance(4999);
    assert.equal(sent.length, 1);
    await clock.advance(1);
    assert.ok((await work).accessToken);
  });

  it("D14 waits for an answer that the server holds back for 30 s, and never asks twice at once", async () => {
    const clock = fakeClock();
    const server = await authorizationServer({ clock });
    let open = 0;
    let most = 0;
    const fetch: typeof server.fetch = async (url, init) => {
      most = Math.max(most, ++open);
      return await server.fetch(url, init).finally(() => open--);
    };
    const issuer = await discover(server.issuer, { fetch, clock });
    const held = { type: "delay", milliseconds: 30_000, before: "answer" } as const;
    server.fault("token", held, { times: 3 });
    const work = (await backchannelAuthentication(issuer, service, { ...hint, scope: "openid" })).wait();
    for (let poll = 1; poll <= 3; poll++) {
      if (poll === 3) server.approveBackchannel(server.waiting[0].code);
      const carriedOut = server.nextAnswer("token");
      await clock.untilWaiting();
      await clock.advance(5000);
      await carriedOut;
      await clock.advance(30_000);
    }
    assert.ok((await work).claims);
    assert.deepEqual([server.count("token"), most], [3, 1]);
  });

  it("D15 slows down by at least 5 s when told so, and by what the server asks for", async () => {
    const { server, issuer, run, pauses } = await pacedWorld();
    const faults: Fault[] = [
      slowDown,
      { type: "status", status: 503, headers: { "retry-after": "45" } },
      pending,
    ];
    for (const fault of faults) server.fault("token", fault);
    const authentication = await backchannelAuthentication(issuer, service, hint);
    server.approveBackchannel(server.waiting[0].code);
    assert.ok((await run(authentication.wait())).accessToken);
    const [first, second, third, fourth] = pauses();
    assert.equal(first, 5);
    assert.ok(second >= 10 && third >= 45 && fourth >= 10, `${pauses()}`);
  });

  it("D16 shows the binding message as it was given, and signs the request where there is a key", async () => {
    const key = await generateSigningKey();
    const clients = [{ clientId: "service", secret: "service-secret", jwks: { keys: [key.publicJwk!] } }];
    const { server, issuer } = await world({ clients });
    const message = { ...hint, bindingMessage: "W4-SCT" };
    await backchannelAuthentication(issuer, service, message);
    await backchannelAuthentication(issuer, service, { ...message, requestObjectKey: key });
    assert.deepEqual(server.waiting.map(({ bindingMessage }) => bindingMessage), [
      "W4-SCT",
      "W4-SCT",
    ]);
    const { parameters } = server.requests.at(-1)!;
    assert.deepEqual([...parameters.keys()], ["request"]);
    assert.equal(decoded(parameters.get("request")!).claims.binding_message, "W4-SCT");
  });
});
