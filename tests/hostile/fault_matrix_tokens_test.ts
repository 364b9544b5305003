/**
 * What can be wrong with the tokens and times of an answer, and with the clocks.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import {
  clientCredentials,
  type DeviceAuthorization,
  deviceAuthorization,
  generateSigningKey,
  issuerFromMetadata,
  type QuirkName,
  refreshTokenGrant,
  signAssertion,
  type TokenSet,
  tokenSource,
} from "../../mod.ts";
import { driven } from "./driven.ts";
import { assertOutcome, attempt, type Fault, json, type Outcome } from "./fault_matrix.ts";
import { answer } from "./faults.ts";
import { type Script, startHostileServer } from "./server.ts";

/** The right answer with other members; text is taken as JSON as it is, `undefined` leaves a member out. */
function withMembers(members: Record<string, string | undefined>): Fault {
  return ({ good }) => async (connection) => {
    const right = Object.entries(JSON.parse(await good())).filter(([name]) => !(name in members));
    const wrong = Object.entries(members).filter(([, text]) => text !== undefined);
    const all = [...right.map(([name, value]) => [name, JSON.stringify(value)]), ...wrong];
    await json(`{${all.map(([name, text]) => `"${name}":${text}`).join()}}`)(connection);
  };
}

const q = JSON.stringify;
const TEN_YEARS = 315_360_000;

describe("the life of a token", () => {
  const good: [string | undefined, number, QuirkName | undefined][] = [
    ["3600", 3600, undefined],
    [undefined, 300, "expires-in-missing"],
    ["0", 0, "expires-in-zero"],
    ["-1", 0, "expires-in-zero"],
    ['"3600"', 3600, "number-as-string"],
    ["1000000000000000", TEN_YEARS, undefined],
    ["3.6e3", 3600, undefined],
  ];
  for (const [text, seconds, quirk] of good) {
    it(`is ${seconds} s when expires_in is ${text ?? "missing"}${quirk ? `, which is reported as ${quirk}` : ""}`, async () => {
      const outcome = await attempt("token", withMembers({ expires_in: text }));
      assertOutcome(outcome, { code: "good" });
      const { issuedAt, expiresAt } = outcome.value as TokenSet;
      assert.equal(expiresAt - issuedAt, seconds);
      assert.deepEqual(outcome.met, quirk ? [quirk] : []);
    });
  }

  it("of no length is handed out once and not kept", async () => {
    const { clock, http } = driven();
    const metadata = { issuer: "https://as.test", token_endpoint: "https://as.test/token" };
    let requests = 0;
    const fetch = () =>
      Promise.resolve(Response.json({ access_token: `t${++requests}`, token_type: "Bearer", expires_in: 0 }));
    const source = tokenSource(
      issuerFromMetadata(metadata, { ...http, clock, fetch }),
      { clientId: "app" },
      clientCredentials(),
    );
    assert.equal((await source.get()).accessToken, "t1");
    assert.equal(source.peek(), undefined);
    assert.equal((await source.get()).accessToken, "t2");
  });

  for (const text of ['"3600s"', "1.5", "1e400", "null", "true", '""', "[]", "{}", '"-5"']) {
    it(`is unknown when expires_in is ${text}: refused, and the refresh token kept`, async () => {
      keepsTheRefreshToken(await attempt("token", withMembers({ expires_in: text })));
    });
  }
});

/** The server has replaced the refresh token, whatever else it says. */
function keepsTheRefreshToken(outcome: Outcome): void {
  assertOutcome(outcome, { code: "invalid_response" });
  assert.deepEqual(outcome.kept, ["next"]);
}

describe("a token that cannot be one", () => {
  const odd: Record<string, string> = {
    "a line break": q("a\r\nb"),
    "a blank": q("a b"),
    "a tab": q("a\tb"),
    DEL: q("a\x7fb"),
    "an umlaut": q("tökén"),
    U2028: q("a\u2028b"),
    "100,000 characters": q("a".repeat(100_000)),
    nothing: q(""),
    "a number": "1",
    null: "null",
    "a list": '["a"]',
    "an object": '{"a":1}',
  };
  for (const [name, text] of Object.entries(odd)) {
    it(`for it has ${name}, is no access token: refused, and the refresh token kept`, async () => {
      keepsTheRefreshToken(await attempt("token", withMembers({ access_token: text })));
    });
    if (/^nothing$|^null$/.test(name)) continue;
    it(`for it has ${name}, is no refresh token either, and nobody keeps it`, async () => {
      const outcome = await attempt("token", withMembers({ refresh_token: text }));
      assertOutcome(outcome, {});
      assert.deepEqual(outcome.kept, []);
    });
  }

  it("for it has NUL or 1 MiB, takes the whole answer with it", async () => {
    assertOutcome(await attempt("token", withMembers({ access_token: q("a\0b") })), {
      message: /a broken character$/,
    });
    assertOutcome(await attempt("token", withMembers({ access_token: q("a".repeat(2 ** 20)) })), {
      message: /longer than 131072 bytes$/,
    });
  });
});

describe("an answer with good tokens and something else wrong", () => {
  const wrong: Record<string, Record<string, string | undefined>> = {
    "no type": { token_type: undefined },
    "a type that nobody knows": { token_type: '"mac"' },
    "a type that is no text": { token_type: '["Bearer"]' },
    "scopes as a list": { scope: '["openid"]' },
    "scopes as a number": { scope: "1" },
    "a broken ID token": { id_token: '"a.b.c"' },
    "an ID token that is no JWT": { id_token: '"idtoken"' },
    "an ID token that is no text": { id_token: '{"sub":"ada"}' },
  };
  for (const [name, members] of Object.entries(wrong)) {
    it(`(${name}) is refused as a whole, and the refresh token kept`, async () => {
      keepsTheRefreshToken(await attempt("token", withMembers(members)));
    });
  }
});

describe("the times of a device code", () => {
  for (const text of [undefined, "null", "true", '"soon"', "-1", '""', "[]"]) {
    it(`are unknown when expires_in is ${text ?? "missing"}`, async () => {
      assertOutcome(await attempt("device", withMembers({ expires_in: text })), {
        message: /"expires_in"/,
        sent: undefined,
      });
    });
  }
  for (const [text, seconds] of [['"600"', 600], ["1000000000000000", TEN_YEARS], ["1.5", 1]] as const) {
    it(`are known when expires_in is ${text}: ${seconds} s`, async () => {
      const { value, error } = await attempt("device", withMembers({ expires_in: text }));
      assert.equal(error, undefined);
      assert.equal((value as DeviceAuthorization).expiresAt, Date.UTC(2026, 0, 1) / 1000 + seconds);
    });
  }
  for (const text of ["-1", "true", '"x"', "1e400", "null", "[]"]) {
    it(`are unknown when interval is ${text}`, async () => {
      assertOutcome(await attempt("device", withMembers({ interval: text })), {
        message: /"interval"/,
        sent: undefined,
      });
    });
  }
});

/** Polls a device sign-in whose token endpoint answers with `scripts`, then well; gives the seconds between the polls. */
async function pausesOfPolling(...scripts: ((now: number) => Script)[]): Promise<number[]> {
  const { clock, http, run } = driven();
  const times: number[] = [];
  const server = await startHostileServer({
    routes: {
      "/device": (connection) => {
        const page = `${server.origin}/page`;
        return json(q({ device_code: "code", user_code: "ABCD", verification_uri: page, expires_in: 3600 }))(
          connection,
        );
      },
      "/token": async (connection) => {
        times.push(clock.now());
        const next = scripts.shift()?.(clock.now());
        await (next ?? json('{"access_token":"a","token_type":"Bearer","expires_in":60}'))(connection);
      },
    },
  });
  const { origin } = server;
  const metadata = {
    issuer: origin,
    token_endpoint: `${origin}/token`,
    device_authorization_endpoint: `${origin}/device`,
  };
  const device = await deviceAuthorization(issuerFromMetadata(metadata, http), { clientId: "app" });
  await run(device.wait());
  await server.close();
  return times.slice(1).map((time, index) => (time - times[index]) / 1000);
}

describe("a poll that is answered with Retry-After", () => {
  for (const status of [429, 503]) {
    const wishes: [string, (now: number) => string, number][] = [
      ["seconds", () => "90", 90],
      ["a date", (now) => new Date(now + 90_000).toUTCString(), 90],
      ["a billion seconds", () => "1000000000", 600],
      ["less than the interval", () => "1", 10],
      ["a negative number", () => "-5", 10],
      ["words", () => "soon", 10],
    ];
    for (const [name, header, seconds] of wishes) {
      it(`of ${name} and ${status} is asked again after ${seconds} s`, async () => {
        const refused = (now: number) => answer({ status, headers: [`retry-after: ${header(now)}`] });
        assert.deepEqual(await pausesOfPolling(refused), [seconds]);
      });
    }
  }

  it("again and again never becomes a busy loop", async () => {
    const refused = () => answer({ status: 503, headers: ["retry-after: 0"] });
    assert.deepEqual(await pausesOfPolling(refused, refused, refused, refused), [10, 20, 40, 60]);
  });
});

describe("a clock that is wrong", () => {
  for (
    const [seconds, isTaken] of [[50, true], [-500, true], [600, false], [-601, false], [86_400, false], [
      -86_400,
      false,
    ]] as const
  ) {
    it(`by ${seconds} s makes an ID token ${isTaken ? "no worse" : "untrustworthy, and the error says to look at the clock"}`, async () => {
      const key = await generateSigningKey();
      const { clock, http } = driven();
      const issued = clock.now() / 1000 + seconds;
      const idToken = await signAssertion(key, {
        issuer: "https://as.test",
        subject: "ada",
        audience: "app",
        now: issued,
        lifetime: 200_000,
      });
      const kept: string[] = [];
      const fetch = (url: string) =>
        Promise.resolve(Response.json(
          url.endsWith("/jwks") ? { keys: [key.publicJwk] } : {
            access_token: "a",
            token_type: "Bearer",
            expires_in: 60,
            refresh_token: "next",
            id_token: idToken,
          },
        ));
      const metadata = {
        issuer: "https://as.test",
        token_endpoint: "https://as.test/token",
        jwks_uri: "https://as.test/jwks",
        id_token_signing_alg_values_supported: ["ES256"],
      };
      const issuer = issuerFromMetadata(metadata, { ...http, fetch });
      const onRefreshToken = (token: string) => void kept.push(token);
      const work = refreshTokenGrant(issuer, { clientId: "app" }, { refreshToken: "first", onRefreshToken });
      if (isTaken) assert.equal((await work).claims?.sub, "ada");
      else await assert.rejects(work, { code: "invalid_response", message: /check this machine's clock/ });
      assert.deepEqual(kept, ["next"]);
    });
  }

  for (const jump of [600, 86_400, -600, -86_400]) {
    it(`and jumps by ${jump} s neither ends a sign-in that waits nor keeps an old token for ever`, async () => {
      const { clock, http, run } = driven();
      let skew = 0;
      const jumping = { ...clock, now: () => clock.now() + skew };
      let requests = 0;
      const pending = { error: "authorization_pending" };
      const fetch: typeof http.fetch = async (url) => {
        const page = "https://as.test/page";
        if (url.endsWith("/device")) {
          return Response.json({
            device_code: "c",
            user_code: "ABCD",
            verification_uri: page,
            expires_in: 300,
            interval: 5,
          });
        }
        if (++requests === 2) skew = jump * 1000;
        await Promise.resolve();
        return requests < 4
          ? Response.json(pending, { status: 400 })
          : Response.json({ access_token: `t${requests}`, token_type: "Bearer", expires_in: 1000 });
      };
      const metadata = {
        issuer: "https://as.test",
        token_endpoint: "https://as.test/token",
        device_authorization_endpoint: "https://as.test/device",
      };
      const issuer = issuerFromMetadata(metadata, { ...http, clock: jumping, fetch });
      assert.equal(
        (await run((await deviceAuthorization(issuer, { clientId: "app" })).wait())).accessToken,
        "t4",
      );
      assert.equal(clock.monotonic(), 20_000);

      skew = 0;
      const source = tokenSource(issuer, { clientId: "app" }, clientCredentials());
      assert.equal((await source.get()).accessToken, "t5");
      skew = jump * 1000;
      // a token may be handed out while it is renewed, once
      await source.get();
      await clock.advance(0);
      const isStillGood = jump === 600;
      assert.equal((await source.get()).accessToken, isStillGood ? "t5" : "t6", inspect({ jump, requests }));
    });
  }
});

describe("the right answers of the matrix", () => {
  it("are taken, so that each refusal has its reason in the fault", async () => {
    for (const endpoint of ["discovery", "jwks", "token", "device", "par", "revocation"] as const) {
      const outcome = await attempt(
        endpoint,
        ({ good }) => async (connection) => await json(await good())(connection),
      );
      assertOutcome(outcome, { code: "good" });
    }
  });
});
