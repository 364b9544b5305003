import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { claimsOf } from "../../jwt.ts";
import { clientSecretBasic } from "../../../lib/oauth/client_authentication.ts";
import { privateKeyJwt } from "../../../lib/oauth/client_assertion.ts";
import { backchannelAuthentication } from "../../../lib/oauth/grants/backchannel.ts";
import { generateSigningKey } from "../../../lib/oauth/signing_key.ts";
import {
  assertHides,
  endsAtOnce,
  failureOf,
  hang,
  json,
  type Reply,
  type Sent,
  type Stub,
  stub,
  tokens,
  world,
} from "../support.ts";

const service = { clientId: "service", authentication: clientSecretBasic("service-secret") };
const CIBA = "urn:openid:params:grant-type:ciba";
const metadata = { backchannel_authentication_endpoint: "https://as.test/ciba" };
const request = { auth_req_id: "request-canary", expires_in: 120 };
const pending = json({ error: "authorization_pending" }, 400);

/** A request that is answered with `answer`, and then polled for `replies`. */
function ciba(answer: Record<string, unknown>, replies: Reply | readonly Reply[]): Stub {
  return stub([json(answer), ...[replies].flat() as Reply[]], { metadata });
}

/** When the polls came, in seconds since the first answer. */
function pollTimes({ clock }: Stub, replies: readonly Reply[], times: number[]): Reply[] {
  return replies.map((reply) => (sent: Sent, signal?: AbortSignal) => {
    times.push(clock.monotonic() / 1000);
    return typeof reply === "function" ? reply(sent, signal) : Promise.resolve(reply as Response);
  });
}

describe("a backchannel authentication", () => {
  it("asks a person on another device and waits for the answer", async () => {
    const { server, issuer, clock } = await world();
    const authentication = await backchannelAuthentication(issuer, service, {
      loginHint: "ada",
      scope: "openid profile",
      bindingMessage: "W4SCT",
    });
    const [{ code, bindingMessage, clientId, scope }] = server.waiting;
    assert.deepEqual([bindingMessage, clientId, scope], ["W4SCT", "service", "openid profile"]);
    assert.equal(authentication.expiresAt, clock.now() / 1000 + 600);
    const waiting = authentication.wait();
    await clock.advance(5000);
    server.approveBackchannel(code);
    await clock.advance(5000);
    const { claims, scope: granted, refreshToken } = await waiting;
    assert.equal(granted, "openid profile");
    assert.equal(typeof claims?.sub, "string");
    assert.notEqual(refreshToken, undefined);
    assert.equal(server.count("token", CIBA), 2);
  });

  it("sends what CIBA Core section 7.1 names (D16)", async () => {
    const { issuer, sent } = ciba(request, pending);
    await backchannelAuthentication(issuer, service, {
      loginHintToken: "hint.canary.token",
      bindingMessage: "W4SCT",
      userCode: "code-canary",
      requestedExpiry: 90,
      acrValues: "gold silver",
      extra: { request_context: "{}" },
      resource: ["https://one.test/", "https://two.test/"],
    });
    assert.equal(sent[0].url, "https://as.test/ciba");
    assert.deepEqual([...sent[0].form].filter(([name]) => name !== "client_id"), [
      ["scope", "openid"],
      ["request_context", "{}"],
      ["resource", "https://one.test/"],
      ["resource", "https://two.test/"],
      ["login_hint_token", "hint.canary.token"],
      ["binding_message", "W4SCT"],
      ["user_code", "code-canary"],
      ["requested_expiry", "90"],
      ["acr_values", "gold silver"],
    ]);
  });

  for (
    const hints of [
      {},
      { loginHint: "ada", idTokenHint: "a.b.c" },
      { loginHint: "ada", loginHintToken: "t" },
      { loginHint: "ada", loginHintToken: "t", idTokenHint: "a.b.c" },
    ]
  ) {
    it(`is refused with ${Object.keys(hints).join(" and ") || "no hint"}, with nothing sent`, async () => {
      const { issuer, sent } = ciba(request, pending);
      const error = await failureOf(backchannelAuthentication(issuer, service, hints));
      assert.equal(error.code, "invalid_argument");
      assert.deepEqual(sent, []);
    });
  }

  it("signs the request where that is asked for, and then sends nothing else (D16)", async () => {
    const key = { ...await generateSigningKey(), keyId: "1" };
    const jwks = { keys: [{ ...key.publicJwk!, kid: "1" }] };
    const { server, issuer, clock } = await world({
      clients: [{ clientId: "signer", jwks, requireSignedRequestObject: true }],
    });
    const signer = { clientId: "signer", authentication: privateKeyJwt(key) };
    await backchannelAuthentication(issuer, signer, {
      loginHint: "ada",
      requestedExpiry: 90,
      requestObjectKey: key,
      resource: ["https://one.test/", "https://two.test/"],
    });
    assert.equal(server.waiting.length, 1);
    const { parameters } = server.requests[0];
    assert.deepEqual([...parameters.keys()].sort(), [
      "client_assertion",
      "client_assertion_type",
      "client_id",
      "request",
    ]);
    const { jti, ...claims } = claimsOf(parameters.get("request")!);
    const now = clock.now() / 1000;
    assert.match(jti, /^[\w-]{36}$/);
    assert.deepEqual(claims, {
      scope: "openid",
      login_hint: "ada",
      requested_expiry: 90,
      resource: ["https://one.test/", "https://two.test/"],
      iss: "signer",
      aud: "https://as.test",
      iat: now,
      nbf: now,
      exp: now + 300,
    });
  });

  it("is unsupported where the server has no endpoint for it, with nothing sent", async () => {
    const { issuer, sent } = stub(json(request));
    const error = await failureOf(backchannelAuthentication(issuer, service, { loginHint: "ada" }));
    assert.equal(error.code, "unsupported");
    assert.deepEqual(sent, []);
  });

  for (
    const [name, answer] of Object.entries({
      auth_req_id: { expires_in: 120 },
      expires_in: { auth_req_id: "a" },
      interval: { ...request, interval: "soon" },
    })
  ) {
    it(`is refused when the answer has no good ${name} (D13)`, async () => {
      const { issuer } = ciba(answer, pending);
      const error = await failureOf(backchannelAuthentication(issuer, service, { loginHint: "ada" }));
      assert.equal(error.code, "invalid_response");
      assert.ok(error.message.includes(`"${name}"`), error.message);
    });
  }

  it("does not show hints and secrets that the server quotes", async () => {
    const { issuer } = stub(
      ({ form }) =>
        json({ error: "unknown_user_id", error_description: `who is ${[...form.values()].join()}` }, 400),
      { metadata },
    );
    const error = await failureOf(
      backchannelAuthentication(issuer, service, { loginHintToken: "hint-canary", userCode: "code-canary" }),
    );
    assert.deepEqual([error.code, error.serverError], ["server_refused", "unknown_user_id"]);
    assertHides(error, "hint-canary", "code-canary");
  });
});

describe("waiting for the person on the other device", () => {
  /** Waits through `replies`, and tells when the polls came. */
  async function polls(answer: Record<string, unknown>, replies: readonly Reply[]): Promise<number[]> {
    const times: number[] = [];
    const left: Reply[] = [];
    const place = stub((sent, signal) => {
      if (sent.url.endsWith("/ciba")) return Promise.resolve(json(answer));
      const reply = left.shift()!;
      return typeof reply === "function" ? reply(sent, signal) : Promise.resolve(reply as Response);
    }, { metadata });
    left.push(...pollTimes(place, replies, times));
    const { wait } = await backchannelAuthentication(place.issuer, service, { loginHint: "ada" });
    const waiting = wait();
    await place.clock.advance(130_000);
    await waiting;
    return times;
  }
  const refused = (error: string, headers: Record<string, string> = {}): Response =>
    json({ error }, 400, headers);

  it("polls every 5 s unless the server says otherwise, starting after the first interval (D13, D14)", async () => {
    const replies =
      () => [refused("authorization_pending"), refused("authorization_pending"), json(tokens())];
    assert.deepEqual(await polls(request, replies()), [5, 10, 15]);
    assert.deepEqual(await polls({ ...request, interval: 7 }, replies()), [7, 14, 21]);
  });

  it("adds 5 s for good at each slow_down, and obeys a longer Retry-After (D15)", async () => {
    const replies = [
      refused("slow_down"),
      refused("authorization_pending"),
      refused("slow_down", { "retry-after": "30" }),
      json(tokens()),
    ];
    assert.deepEqual(await polls(request, replies), [5, 15, 25, 55]);
  });

  it("never has two polls under way, and gives a held one 40 s (D14)", async () => {
    let under = 0;
    let most = 0;
    const place = stub((sent, signal) => {
      if (sent.url.endsWith("/ciba")) return json({ ...request, expires_in: 300 });
      most = Math.max(most, ++under);
      return place.clock.sleep(35_000, signal).then(() => {
        under--;
        return place.sent.length < 4 ? refused("authorization_pending") : json(tokens());
      });
    }, { metadata });
    const { wait } = await backchannelAuthentication(place.issuer, service, { loginHint: "ada" });
    const waiting = wait();
    await place.clock.advance(130_000);
    const { accessToken } = await waiting;
    assert.deepEqual([accessToken, most, place.sent.length], ["access-canary", 1, 4]);
  });

  it("goes on after a poll that was held for too long (D14)", async () => {
    const times = await polls(request, [hang, json(tokens())]);
    assert.equal(times[0], 5);
    assert.ok(times[1] >= 45 && times[1] < 60, String(times[1]));
  });

  it("ends when the request has run out, without a poll after that", async () => {
    const place = ciba({ ...request, expires_in: 12 }, () => refused("authorization_pending"));
    const { wait } = await backchannelAuthentication(place.issuer, service, { loginHint: "ada" });
    const waiting = failureOf(wait());
    await place.clock.advance(12_000);
    assert.equal((await waiting).code, "expired_code");
    assert.equal(place.sent.length, 3);
  });

  for (
    const [error, code] of [
      ["expired_token", "expired_code"],
      ["access_denied", "access_denied"],
      ["transaction_failed", "server_refused"],
      ["invalid_grant", "server_refused"],
    ]
  ) {
    it(`ends with ${code} when the server says ${error} (D5)`, async () => {
      const place = ciba(request, refused(error));
      const { wait } = await backchannelAuthentication(place.issuer, service, { loginHint: "ada" });
      const waiting = failureOf(wait());
      await place.clock.advance(5000);
      const failure = await waiting;
      assert.deepEqual([failure.code, failure.serverError], [code, error]);
      assert.equal(place.sent.length, 2);
    });
  }

  it("ends at once on an abort, in a pause and in a held poll", async () => {
    const place = ciba(request, hang);
    const { wait } = await backchannelAuthentication(place.issuer, service, { loginHint: "ada" });
    for (const seconds of [1, 10]) {
      const controller = new AbortController();
      const waiting = wait({ signal: controller.signal });
      await place.clock.advance(seconds * 1000);
      controller.abort();
      assert.ok(await endsAtOnce(waiting));
      assert.equal((await failureOf(waiting)).code, "aborted");
    }
  });

  it("does not show the identifier of the request that the server quotes (D12)", async () => {
    const place = ciba(
      request,
      ({ form }) => json({ error: "invalid_grant", error_description: `no ${form.get("auth_req_id")}` }, 400),
    );
    const authentication = await backchannelAuthentication(place.issuer, service, { loginHint: "ada" });
    assertHides(authentication, "request-canary");
    const waiting = failureOf(authentication.wait());
    await place.clock.advance(5000);
    assertHides(await waiting, "request-canary");
  });

  it("does not show an earlier ID token that the server quotes (D12)", async () => {
    const quote = ({ form }: { form: URLSearchParams }) =>
      json({ error: "invalid_request", error_description: `no ${form.get("id_token_hint")}` }, 400);
    const place = stub(quote, { metadata });
    const asked = backchannelAuthentication(place.issuer, service, { idTokenHint: "id-token-canary" });
    const error = await failureOf(asked);
    assert.equal(error.serverDescription, "no …");
    assertHides(error, "id-token-canary");
  });

  it("is for what was asked for when the answer does not say", async () => {
    const place = ciba(request, json(tokens()));
    const parameters = { loginHint: "ada", scope: "openid a" };
    const waiting = (await backchannelAuthentication(place.issuer, service, parameters)).wait();
    await place.clock.advance(5000);
    assert.equal((await waiting).scope, "openid a");
  });
});
