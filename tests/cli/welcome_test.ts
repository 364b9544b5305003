import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { celebrate } from "../../lib/cli/welcome.ts";
import type { Host } from "../../lib/host/host.ts";
import type { SignInResult } from "../../lib/profile/sign_in.ts";
import { providerNamed, providerOf } from "../../lib/providers.ts";

const NOW = 1_767_225_600;
const claims = { iss: "i", sub: "s", aud: "c", exp: NOW + 300, iat: NOW, name: "Ada L" };

interface Given {
  readonly profile?: Record<string, unknown>;
  readonly session?: Record<string, unknown>;
  readonly tokens?: Record<string, unknown>;
  readonly provider?: SignInResult["provider"];
}

function welcome({ profile, session, tokens, provider }: Given = {}): string {
  let said = "";
  const host = {
    say: (text: string) => void (said += text),
    clock: { now: () => NOW * 1000 },
  } as unknown as Host;
  const result = {
    profile: {
      name: "p",
      issuer: "https://sso.example/realms/x",
      clientId: "c",
      flow: "device",
      protect: { kind: "key-file", path: "/home/ada/key" },
      ...profile,
    },
    session: { claims, refreshToken: "r", ...session },
    tokens: { accessToken: "hunter2", expiresAt: NOW + 300, scope: "openid", ...tokens },
    provider: provider ?? providerOf("https://sso.example"),
  };
  celebrate(host, result as unknown as SignInResult);
  assert.doesNotMatch(said, /hunter2/);
  return said;
}

describe("what is said after a sign-in", () => {
  it("is who you are, where, what was granted, what keeps it, and the next command", () => {
    const lines = welcome().split("\n");
    assert.equal(lines[0], "Signed in to sso.example as Ada L.");
    assert.equal(lines[1], "Granted: openid.");
    assert.equal(
      lines[3],
      'The sign-in is kept encrypted as "p"; its key is in /home/ada/key (--protect key-file).',
    );
    assert.equal(lines.at(-1), "Next: apex-token get p");
  });

  it("names a known server by its name, and a client that is nobody by its id", () => {
    assert.match(welcome({ provider: providerNamed("apex") }), /^Signed in to ESA APEx as Ada L\./);
    assert.match(welcome({ session: { claims: undefined } }), /as the client c\./);
  });

  const lasting: [string, Given, RegExp][] = [
    [
      "that nothing ends it",
      { tokens: { scope: "openid offline_access" } },
      /lasts until the server ends it/,
    ],
    ["that the server's session ends it", {}, /for as long as the server's session lasts/],
    [
      "when it ends by itself",
      { session: { refreshExpiresAt: NOW + 1800 } },
      /The sign-in lasts 30 minutes, and longer each time it is used/,
    ],
    [
      "that it is over with the token",
      { session: { refreshToken: undefined } },
      /gave no refresh token: the sign-in lasts 5 minutes\./,
    ],
    [
      "that a service needs no sign-in",
      { profile: { flow: "client-credentials" } },
      /with the client's secret/,
    ],
    [
      "that nothing is kept",
      { profile: { protect: { kind: "memory" } } },
      /the sign-in is not: each command asks/,
    ],
  ];
  for (const [what, given, words] of lasting) it(`says ${what}`, () => assert.match(welcome(given), words));

  it("does not say of a sign-in that is kept nowhere how long it lasts, but of a service how it goes on", () => {
    const protect = { kind: "memory" };
    assert.doesNotMatch(welcome({ profile: { protect } }), /lasts|by themselves/);
    assert.match(welcome({ profile: { protect, flow: "client-credentials" } }), /with the client's secret/);
  });

  it("is safe for a terminal", () => {
    const said = welcome({
      profile: { clientId: "\x1b[2Jc" },
      session: { claims: { ...claims, name: "A\x1b]0;x\x07\nB" } },
      tokens: { scope: "a\u009b1Ab" },
    });
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(said, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
  });
});
