import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { clientSecretBasic } from "../../../lib/oauth/client_authentication.ts";
import { type DeviceAuthorization, deviceAuthorization } from "../../../lib/oauth/grants/device_code.ts";
import type { ServerMetadata } from "../../../lib/oauth/issuer.ts";
import type { TokenSet } from "../../../lib/oauth/token_set.ts";
import type { Fault } from "../../../lib/testing/mod.ts";
import {
  again,
  app,
  assertHides,
  endsAtOnce,
  failureOf,
  hang,
  json,
  pass,
  type Reply,
  type Sent,
  type Stub,
  stub,
  tokens,
  type World,
  world,
} from "../support.ts";

const authorization = {
  device_code: "device-canary",
  user_code: "ABCD-EFGH",
  verification_uri: "https://as.test/device",
  verification_uri_complete: "https://as.test/device?user_code=ABCD-EFGH",
  expires_in: 600,
};
const pending = json({ error: "authorization_pending" }, 400);

interface Polled extends Stub {
  readonly device: DeviceAuthorization;
  /** When each question was asked, in seconds after the codes had come. */
  readonly asked: number[];
}

/** A device authorization whose questions are answered with `replies`. */
async function polled(replies: readonly Reply[], members: Record<string, unknown> = {}): Promise<Polled> {
  const asked: number[] = [];
  const left = [...replies];
  const place: Stub = stub(async (sent: Sent, signal?: AbortSignal) => {
    if (sent.url.endsWith("/device_authorization")) return json({ ...authorization, ...members });
    asked.push(place.clock.monotonic() / 1000);
    const reply = left.length > 1 ? left.shift()! : left[0];
    if (reply instanceof Error) throw reply;
    return typeof reply === "function" ? await reply(sent, signal) : await again(reply);
  });
  return { ...place, device: await deviceAuthorization(place.issuer, app, { scope: "a" }), asked };
}

/** When the questions are asked while the answers are these; then comes a token. */
async function times(
  answers: readonly (() => Reply)[],
  members: Record<string, unknown> = {},
): Promise<number[]> {
  const { device, clock, asked } = await polled([...answers.map((make) => make()), json(tokens())], members);
  const waiting = device.wait();
  await clock.advance(599_000);
  await waiting;
  return asked;
}

const isPending = () => json({ error: "authorization_pending" }, 400);
const isSlowDown = () => json({ error: "slow_down" }, 400);
const isDown = () => new Response("", { status: 503 });
const isReset = () => new TypeError("fetch failed");

describe("a device authorization", () => {
  it("shows where to enter which code until when, and hides the device code", async () => {
    const { issuer, clock } = stub(json(authorization));
    const device = await deviceAuthorization(issuer, app);
    const { userCode, verificationUri, verificationUriComplete, expiresAt } = device;
    assert.deepEqual([userCode, verificationUri, verificationUriComplete, expiresAt], [
      "ABCD-EFGH",
      "https://as.test/device",
      "https://as.test/device?user_code=ABCD-EFGH",
      clock.now() / 1000 + 600,
    ]);
    assertHides(device, "device-canary");
  });

  it("is asked for with the scope, the audience, the client id and PKCE", async () => {
    const { issuer, sent } = stub(json(authorization));
    await deviceAuthorization(issuer, app, { scope: "openid", audience: "https://api.test" });
    const { code_challenge, ...form } = Object.fromEntries(sent[0].form);
    assert.deepEqual(form, {
      ...{ scope: "openid", audience: "https://api.test", client_id: "app", code_challenge_method: "S256" },
    });
    assert.match(code_challenge, /^[\w-]{43}$/);
    assert.equal(sent[0].headers.get("authorization"), null);
  });

  it("satisfies a server that demands PKCE here too (Keycloak)", async () => {
    const place = await world({ requireDevicePkce: true, flavor: "keycloak" });
    const device = await deviceAuthorization(place.issuer, app, { scope: "openid" });
    place.server.approveDevice(device.userCode);
    const waiting = device.wait();
    await place.clock.advance(5000);
    assert.equal((await waiting).claims?.sub, "ada");
  });

  it("does without PKCE at a server that knows plain only: here it is an extra", async () => {
    const { issuer, sent } = stub(json(authorization), {
      metadata: { code_challenge_methods_supported: ["plain"] },
    });
    await deviceAuthorization(issuer, app);
    assert.deepEqual([...sent[0].form.keys()], ["client_id"]);
  });

  it("is authenticated as a token request is", async () => {
    const { issuer, sent } = stub(json(authorization));
    await deviceAuthorization(issuer, { clientId: "c", authentication: clientSecretBasic("s") });
    assert.equal(sent[0].headers.get("authorization"), `Basic ${btoa("c:s")}`);
  });

  for (
    const [metadata, code] of [
      [{ device_authorization_endpoint: undefined }, "unsupported"],
      [{ device_authorization_endpoint: "http://as.test/device" }, "invalid_metadata"],
    ] as [Partial<ServerMetadata>, string][]
  ) {
    it(`is not asked for at a server with ${JSON.stringify(metadata)}`, async () => {
      const { issuer, sent } = stub(json(authorization), { metadata });
      assert.equal((await failureOf(deviceAuthorization(issuer, app))).code, code);
      assert.deepEqual(sent, []);
    });
  }

  for (const name of ["device_code", "user_code", "verification_uri", "expires_in"]) {
    for (const value of [undefined, "", {}]) {
      it(`is refused when ${name} is ${JSON.stringify(value)}, which is named`, async () => {
        const error = await failureOf(
          deviceAuthorization(stub(json({ ...authorization, [name]: value })).issuer, app),
        );
        assert.equal(error.code, "invalid_response");
        assert.ok(error.message.includes(`"${name}"`), error.message);
        assertHides(error, "device-canary");
      });
    }
  }

  for (
    const page of [
      "http://as.test/device",
      "javascript:alert(1)",
      "file:///etc/passwd",
      "https://as.test@evil.test/",
      "as.test/device",
      "--help",
    ]
  ) {
    it(`is refused when the page to open is ${page}`, async () => {
      for (const name of ["verification_uri", "verification_uri_complete"]) {
        const { issuer } = stub(json({ ...authorization, [name]: page }));
        assert.equal((await failureOf(deviceAuthorization(issuer, app))).code, "invalid_response");
      }
    });
  }

  it("gives the page as a URL that can be shown and opened", async () => {
    const verification_uri = "https://as.test/#/de\u001b[2Jvice\u202e?x=`id`";
    const { issuer } = stub(json({ ...authorization, verification_uri }));
    const { verificationUri } = await deviceAuthorization(issuer, app);
    assert.match(verificationUri, /^https:\/\/as\.test\/#\/[\x21-\x7e]+$/);
  });

  it("takes a lifetime of ten years at most", async () => {
    const { issuer, clock } = stub(json({ ...authorization, expires_in: 1e15 }));
    const { expiresAt } = await deviceAuthorization(issuer, app);
    assert.equal(expiresAt, clock.now() / 1000 + 3650 * 86400);
  });

  it("is refused in the server's words", async () => {
    for (const status of [400, 200]) {
      const { issuer } = stub(
        json({ error: "unauthorized_client", error_description: "No device flow" }, status),
      );
      const error = await failureOf(deviceAuthorization(issuer, app));
      assert.equal(error.code, "server_refused");
      assert.equal(error.serverError, "unauthorized_client");
    }
  });

  it("is not sent on by a redirect", async () => {
    const { issuer, sent } = stub(
      new Response(null, { status: 307, headers: { location: "https://evil.test/" } }),
    );
    assert.equal((await failureOf(deviceAuthorization(issuer, app))).code, "invalid_response");
    assert.equal(sent.length, 1);
  });

  it("ends at once on an abort", async () => {
    const abort = new AbortController();
    const asked = deviceAuthorization(stub(hang).issuer, app, {}, { signal: abort.signal });
    abort.abort();
    assert.ok(await endsAtOnce(asked));
    assert.equal((await failureOf(asked)).code, "aborted");
  });
});

describe("waiting for a person", () => {
  it("ends with the tokens when the person says yes", async () => {
    const place = await world();
    const { server, issuer, met } = place;
    const device = await deviceAuthorization(issuer, app, { scope: "openid" });
    const waiting = device.wait();
    await pass(place, 11);
    server.approveDevice(device.userCode);
    await pass(place, 5);
    const { claims, refreshToken } = await waiting;
    assert.equal(claims?.sub, "ada");
    assert.ok(refreshToken);
    const polls = server.requests.filter(({ endpoint }) => endpoint === "token");
    assert.deepEqual(polls.map(({ error }) => error), [
      "authorization_pending",
      "authorization_pending",
      undefined,
    ]);
    for (const { headers, parameters } of polls) {
      assert.equal(headers.get("authorization"), null);
      assert.deepEqual([...parameters.keys()].sort(), [
        "client_id",
        "code_verifier",
        "device_code",
        "grant_type",
      ]);
    }
    assert.deepEqual(met, []);
  });

  for (
    const [interval, gap] of [
      [undefined, 5],
      [5, 5],
      [1, 1],
      [7, 7],
      ["3", 3],
      [0, 5],
      ["0", 5],
      [0.2, 1],
      [2.5, 2.5],
      [30, 30],
    ] as const
  ) {
    it(`asks every ${gap} s when the interval is ${JSON.stringify(interval)}`, async () => {
      assert.deepEqual(await times([isPending, isPending], { interval }), [gap, 2 * gap, 3 * gap]);
    });
  }

  it("never waits longer than 300 s for an interval of the server", async () => {
    assert.deepEqual(await times([], { interval: 1e9 }), [300]);
  });

  it("refuses an interval that is none before anybody is asked to enter a code", async () => {
    for (const interval of ["five", -1, null, true]) {
      const { issuer } = stub(json({ ...authorization, interval }));
      assert.equal((await failureOf(deviceAuthorization(issuer, app))).code, "invalid_response");
    }
  });

  it("counts the interval from the answer, not from the question", async () => {
    const { device, clock, asked } = await polled([
      async () => {
        await clock.sleep(4000);
        return isPending();
      },
      json(tokens()),
    ]);
    const waiting = device.wait();
    await clock.advance(20_000);
    await waiting;
    assert.deepEqual(asked, [5, 14]);
  });

  it("adds 5 s for good at each slow_down", async () => {
    const answers = [isPending, isSlowDown, isPending, isSlowDown, isPending];
    assert.deepEqual(await times(answers), [5, 10, 20, 30, 45, 60]);
    assert.deepEqual(await times([isSlowDown, isPending], { interval: 1 }), [1, 7, 13]);
  });

  it("takes a longer Retry-After of a slow_down for good, and never becomes faster by one", async () => {
    const after = (seconds: number) => () =>
      json({ error: "slow_down" }, 400, { "retry-after": String(seconds) });
    assert.deepEqual(await times([after(20), isPending]), [5, 25, 45]);
    assert.deepEqual(await times([after(1), isPending]), [5, 15, 25]);
  });

  it("is no slower for an earlier failure once the server has said slow_down", async () => {
    assert.deepEqual(await times([isReset, isSlowDown, isReset]), [5, 15, 25, 45]);
  });

  it("is for what was asked for when the answer does not say", async () => {
    const { device, clock } = await polled([json(tokens())]);
    const waiting = device.wait();
    await clock.advance(5000);
    assert.equal((await waiting).scope, "a");
  });

  it("is never too fast for a server that wants it slower", async () => {
    const place = await world({ interval: 2 });
    const { server, issuer } = place;
    const device = await deviceAuthorization(issuer, app);
    server.fault("token", { type: "slow_down" });
    const waiting = device.wait();
    await pass(place, 35);
    server.approveDevice(device.userCode);
    await pass(place, 2);
    await waiting;
    const polls = server.requests.filter(({ endpoint }) => endpoint === "token");
    assert.equal(polls.filter(({ error }) => error === "slow_down").length, 1);
    assert.deepEqual(polls.slice(1).map(({ at }, index) => (at - polls[index].at) / 1000), [7, 7, 7, 7, 7]);
  });

  for (
    const [what, failure] of [
      ["the connection breaks", isReset],
      ["the server is down", isDown],
      ["the server has trouble of its own", () => json({ error: "unknown_error" }, 500)],
      [
        "a gateway answers with a web page",
        () => new Response("<html>", { status: 502, headers: { "content-type": "text/html" } }),
      ],
      [
        "a captive portal answers with a web page",
        () => new Response("<html>", { headers: { "content-type": "text/html" } }),
      ],
      ["the server is asked too often", () => new Response("", { status: 429 })],
    ] as [string, () => Reply][]
  ) {
    it(`goes on, ever slower, while ${what}, and as before when that is over`, async () => {
      assert.deepEqual(await times([failure, failure, failure, isPending]), [5, 15, 35, 75, 80]);
    });
  }

  it("waits for a minute at most after failures", async () => {
    assert.deepEqual(await times([isReset, isReset, isReset, isReset, isReset, isReset]), [
      5,
      15,
      35,
      75,
      135,
      195,
      255,
    ]);
    assert.deepEqual(await times([isReset, isReset], { interval: 90 }), [90, 180, 270]);
  });

  it("goes on when the server is silent for 15 s", async () => {
    const { device, clock, asked } = await polled([hang, json(tokens())]);
    const waiting = device.wait();
    await clock.advance(60_000);
    await waiting;
    assert.deepEqual(asked, [5, 30]);
  });

  it("waits as long as a server that is down asks for, and that once", async () => {
    const busy = () => new Response("", { status: 503, headers: { "retry-after": "120" } });
    assert.deepEqual(await times([busy, isPending, isPending]), [5, 125, 130, 135]);
  });

  for (
    const [error, code] of [
      ["access_denied", "access_denied"],
      ["authorization_declined", "access_denied"],
      ["expired_token", "expired_code"],
      ["invalid_grant", "server_refused"],
      ["invalid_client", "server_refused"],
      ["own_word", "server_refused"],
    ]
  ) {
    it(`ends as ${code} when the server says ${error}`, async () => {
      const { device, clock, asked } = await polled([json({ error, error_description: "Its words" }, 400)]);
      const failure = failureOf(device.wait());
      await clock.advance(60_000);
      const thrown = await failure;
      assert.equal(thrown.code, code);
      assert.equal(thrown.serverError, error);
      assert.equal(thrown.serverDescription, "Its words");
      assert.deepEqual(asked, [5]);
    });
  }

  it("ends when a final word comes with an odd status", async () => {
    for (const status of [200, 401, 403, 428, 500]) {
      const { device, clock } = await polled([json({ error: "access_denied" }, status)]);
      const failure = failureOf(device.wait());
      await clock.advance(60_000);
      assert.equal((await failure).code, "access_denied");
    }
  });

  it("goes on when a pending answer comes with an odd status", async () => {
    const answer = (status: number) => () => json({ error: "authorization_pending" }, status);
    assert.deepEqual(await times([200, 401, 403, 428, 500].map(answer)), [5, 10, 15, 20, 25, 30]);
  });

  it("ends when the answer cannot be used", async () => {
    for (const reply of [json({}), json("null"), json(tokens({ token_type: "mac" }))]) {
      const { device, clock } = await polled([reply]);
      const failure = failureOf(device.wait());
      await clock.advance(60_000);
      assert.equal((await failure).code, "invalid_response");
    }
  });

  it("ends when the person says no", async () => {
    const { server, issuer, clock } = await world();
    const device = await deviceAuthorization(issuer, app);
    server.denyDevice(device.userCode);
    const failure = failureOf(device.wait());
    await clock.advance(5000);
    assert.equal((await failure).code, "access_denied");
  });

  it("ends when the codes run out, with no question after that", async () => {
    const { device, clock, asked } = await polled([pending], { expires_in: 12 });
    const failure = failureOf(device.wait());
    await clock.advance(12_000);
    const error = await failure;
    assert.equal(error.code, "expired_code");
    assert.equal(error.nextStep, "Start the sign-in again");
    assert.deepEqual(asked, [5, 10]);
  });

  it("says what went wrong last when the codes run out while the server is down", async () => {
    const { device, clock } = await polled([new Response("", { status: 503 })], { expires_in: 30 });
    const failure = failureOf(device.wait());
    await clock.advance(30_000);
    const error = await failure;
    assert.equal(error.code, "expired_code");
    assert.match(error.message, /status 503/);
  });

  it("has nothing to wait for when the codes ran out before", async () => {
    const { device, clock, asked } = await polled([pending], { expires_in: 10 });
    await clock.advance(10_000);
    assert.equal((await failureOf(device.wait())).code, "expired_code");
    assert.deepEqual(asked, []);
  });

  it("ends at once on an abort between two questions", async () => {
    const abort = new AbortController();
    const { device, clock } = await polled([pending]);
    const waiting = device.wait({ signal: abort.signal });
    await clock.advance(7000);
    abort.abort();
    assert.ok(await endsAtOnce(waiting));
    assert.equal((await failureOf(waiting)).code, "aborted");
    assert.equal(clock.waiting(), 0);
  });

  const inTheMiddle: [string, Reply][] = [
    ["of a question", hang],
    ["of a question to a fetch that does not listen", () => new Promise<never>(() => {})],
    ["of an answer", () => new Response(new ReadableStream({ pull: () => new Promise(() => {}) }))],
  ];
  for (const [what, reply] of inTheMiddle) {
    it(`ends at once on an abort in the middle ${what}`, async () => {
      const abort = new AbortController();
      const { device, clock, asked } = await polled([reply]);
      const waiting = device.wait({ signal: abort.signal });
      await clock.advance(5000);
      assert.equal(asked.length, 1);
      abort.abort();
      assert.ok(await endsAtOnce(waiting));
      assert.equal((await failureOf(waiting)).code, "aborted");
    });
  }

  it("ends at once for somebody who has left before", async () => {
    const { device, asked } = await polled([pending]);
    assert.equal((await failureOf(device.wait({ signal: AbortSignal.abort() }))).code, "aborted");
    assert.deepEqual(asked, []);
  });

  it("shows no device code, though INDIGO IAM quotes it", async () => {
    const place: World = await world({ flavor: "indigo-iam", quirks: ["issuer-trailing-slash"] });
    const device = await deviceAuthorization(place.issuer, app, { scope: "openid" });
    const [{ code }] = place.server.waiting;
    place.server.expireDevice(device.userCode);
    const failure = failureOf(device.wait());
    await place.clock.advance(5000);
    const error = await failure;
    assert.equal(error.code, "expired_code");
    assert.equal(error.serverDescription, "Device code has expired: …");
    assertHides(error, code);
    assertHides(device, code);
  });

  it("survives a bad night: resets, 500, 429, a web page, slow_down", async () => {
    const place = await world();
    const { server, issuer } = place;
    const device = await deviceAuthorization(issuer, app, { scope: "openid" });
    const faults: Fault[] = [
      { type: "reset" },
      { type: "reset", at: "body" },
      { type: "hang" },
      { type: "hang", at: "body" },
      { type: "status", status: 500 },
      { type: "status", status: 429, headers: { "retry-after": "3" } },
      { type: "status", status: 200, body: "<html>", contentType: "text/html" },
      { type: "slow_down" },
    ];
    for (const fault of faults) server.fault("token", fault);
    // these are never answered; before them came the request for the device code
    const unanswered = faults.filter(({ type }) => type === "reset" || type === "hang").length + 1;
    const waiting: Promise<TokenSet> = device.wait();
    await pass(place, 420, unanswered);
    assert.ok(server.count("token") > faults.length);
    server.approveDevice(device.userCode);
    // how long the last pause is depends on how many answers a busy machine took for lost
    let ended = false;
    waiting.finally(() => ended = true).catch(() => {});
    // it ends at the latest when the device code does; a signature takes real time
    while (!ended) {
      await pass(place, 1, unanswered);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assert.equal((await waiting).claims?.sub, "ada");
  });
});
