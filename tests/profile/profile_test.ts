import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isTokenError } from "../../lib/errors.ts";
import { checkProfileName, isProfileName, parseProfile, type Profile } from "../../lib/profile/profile.ts";

const profile: Profile = {
  format: 1,
  name: "p",
  issuer: "https://sso.example",
  clientId: "c",
  authentication: "none",
  flow: "device",
  audience: "audience",
  quirks: [],
  protect: { kind: "key-file", path: "/k" },
};
const file = { path: "/c/profiles/p.json", name: "p" };
const parse = (value: unknown) => parseProfile(JSON.stringify(value), file);
const says = (pattern: RegExp, nextStep = /apex-token remove p$/) => (error: unknown) =>
  isTokenError(error) && error.code === "storage" && pattern.test(error.message) &&
  nextStep.test(error.nextStep!);

describe("the name of a profile", () => {
  for (const name of ["p", "apex", "A_1.b-c", "127.0.0.1", "_x", "x".repeat(64)]) {
    it(`may be ${name}`, () => {
      assert.ok(isProfileName(name));
      assert.equal(checkProfileName(name), name);
    });
  }
  for (
    const name of [
      "",
      ".",
      "..",
      ".p",
      "-p",
      "a/b",
      "../p",
      "a b",
      "a@b",
      "é",
      "a\n",
      "x".repeat(65),
      "\x1b[2J",
    ]
  ) {
    it(`may not be ${JSON.stringify(name)}`, () => {
      assert.throws(() => checkProfileName(name), (error) => {
        return isTokenError(error) && error.code === "invalid_argument" && !error.message.includes("\x1b");
      });
    });
  }
});

describe("a profile's file", () => {
  it("is read as it was written", () => {
    const full: Profile = {
      ...profile,
      scope: "openid",
      redirectUri: "http://127.0.0.1:4242/callback",
      secretFile: "/s",
      offline: false,
      username: "ada",
      caFile: "/ca.pem",
      allowInsecureLoopback: true,
      protect: { kind: "memory" },
    };
    assert.deepEqual(parse(full), full);
  });

  it("may hold what a newer release added without a new format", () => {
    assert.equal(parse({ ...profile, later: true }).name, "p");
  });

  const broken: [string, unknown, RegExp, RegExp?][] = [
    ["is no object", 7, /\/c\/profiles\/p\.json: "/],
    ["is of a newer format", { ...profile, format: 2 }, /newer release/, /Install the newest release/],
    ["has no issuer", { ...profile, issuer: undefined }, /"issuer" is missing or wrong/],
    ["has an empty client id", { ...profile, clientId: "" }, /"clientId" is missing or wrong/],
    ["has a flow that is none", { ...profile, flow: "magic" }, /"flow" is missing or wrong/],
    [
      "has a protection that is none",
      { ...profile, protect: { kind: "hope" } },
      /"protect\.kind" is missing or wrong/,
    ],
    [
      "has a key without a place",
      { ...profile, protect: { kind: "key-file" } },
      /"protect\.path" is missing or wrong/,
    ],
    [
      "has a text that is far too long",
      { ...profile, scope: "x".repeat(5000) },
      /"scope" is missing or wrong/,
    ],
    ["says another name", { ...profile, name: "../q" }, /its name is "\.\.\/q"/],
  ];
  for (const [what, value, message, nextStep] of broken) {
    it(`is refused when it ${what}, and says what to do`, () => {
      assert.throws(() => parse(value), says(message, nextStep));
    });
  }

  it("is refused when it is not JSON, without a word of its content", () => {
    assert.throws(() => parseProfile("{secret", file), (error) => {
      return says(/it is not JSON/)(error) && !(error as Error).message.includes("secret");
    });
  });
});
