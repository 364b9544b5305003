import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { plan, type Situation, words } from "../../lib/profile/plan.ts";
import { providerNamed, providerOf } from "../../lib/providers.ts";

const issuer = "https://sso.example";
const everything = {
  issuer,
  authorization_endpoint: `${issuer}/auth`,
  device_authorization_endpoint: `${issuer}/device`,
  grant_types_supported: ["authorization_code", "client_credentials", "password", "refresh_token"],
};
const base: Situation = {
  metadata: everything,
  provider: providerOf(issuer),
  secret: false,
  password: false,
  browser: { available: true },
};
const noBrowser = { available: false, reason: "this is an ssh session" } as const;
const without = (...members: string[]) =>
  Object.fromEntries(
    Object.entries(everything).filter(([name]) => !members.includes(name)),
  ) as typeof everything;

describe("the plan", () => {
  const made: [string, Partial<Situation>, string[], RegExp][] = [
    [
      "the browser of a workstation first, then a code",
      {},
      ["browser", "device"],
      /this machine has a browser/,
    ],
    ["a code where there is no browser", { browser: noBrowser }, ["device"], /\(this is an ssh session\)/],
    [
      "a code where the server has no authorization endpoint",
      { metadata: without("authorization_endpoint") },
      ["device"],
      /the server offers no browser sign-in/,
    ],
    [
      "the browser where the server has no device codes",
      { metadata: without("device_authorization_endpoint") },
      ["browser"],
      /has a browser/,
    ],
    [
      "a code at APEx even with a browser, as its clients have no redirect URI",
      { provider: providerNamed("apex")! },
      ["device", "browser"],
      /the way for ESA APEx/,
    ],
    [
      "client credentials for a client with a secret",
      { secret: true },
      ["client-credentials"],
      /has a secret/,
    ],
    ["what was asked for, before everything else", { secret: true, flow: "device" }, ["device"], /as asked/],
    ["a browser that cannot be opened, if asked for: the page is shown", {
      flow: "browser",
      browser: noBrowser,
    }, [
      "browser",
    ], /as asked/],
    ["the password grant, only if asked for", { flow: "password", password: true }, ["password"], /as asked/],
    [
      "a grant that the server does not speak of at all",
      { metadata: without("grant_types_supported"), flow: "password", password: true },
      ["password"],
      /as asked/,
    ],
  ];
  for (const [what, given, flows, because] of made) {
    it(`is ${what}`, () => {
      const result = plan({ ...base, ...given });
      assert.deepEqual(result.flows, flows);
      assert.match((result as { because: string }).because, because);
    });
  }

  const refused: [string, Partial<Situation>, string, RegExp, RegExp][] = [
    [
      "no device codes at the server",
      { flow: "device", metadata: without("device_authorization_endpoint") },
      "unsupported",
      /Cannot use a device code: the server offers no device codes/,
      /another --flow/,
    ],
    [
      "no browser sign-in at the server",
      { flow: "browser", metadata: without("authorization_endpoint") },
      "unsupported",
      /the server offers no browser sign-in/,
      /another --flow/,
    ],
    [
      "no client secret",
      { flow: "client-credentials" },
      "invalid_argument",
      /the client has no secret/,
      /--secret-file FILE.*APEX_CLIENT_SECRET/,
    ],
    [
      "a secret that the server has no grant for",
      { secret: true, metadata: { ...everything, grant_types_supported: ["authorization_code"] } },
      "unsupported",
      /Cannot use client credentials: the server does not offer them/,
      /another --flow/,
    ],
    ["no password", { flow: "password" }, "invalid_argument", /nobody can be asked/, /--password-file FILE/],
    [
      "no password grant at the server",
      { flow: "password", metadata: { ...everything, grant_types_supported: ["authorization_code"] } },
      "unsupported",
      /the server does not offer it/,
      /another --flow/,
    ],
    [
      "neither a code nor a browser",
      { metadata: without("device_authorization_endpoint"), browser: noBrowser },
      "invalid_argument",
      /no page can be opened here \(this is an ssh session\); the server offers no device codes/,
      /--flow client-credentials/,
    ],
    [
      "neither at the server",
      { metadata: without("device_authorization_endpoint", "authorization_endpoint") },
      "unsupported",
      /the server offers no browser sign-in; the server offers no device codes/,
      /--flow client-credentials/,
    ],
  ];
  for (const [what, given, code, diagnosis, nextStep] of refused) {
    it(`says what is in the way: ${what}`, () => {
      const result = plan({ ...base, ...given });
      assert.ok(result.flows === undefined);
      assert.equal(result.code, code);
      assert.match(result.diagnosis, diagnosis);
      assert.match(result.nextStep, nextStep);
    });
  }

  it("names each flow in words", () => {
    assert.deepEqual((["device", "browser", "client-credentials", "password"] as const).map(words), [
      ...["a device code", "the browser", "client credentials", "the password grant"],
    ]);
  });
});
