import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { person } from "../../lib/cli/person.ts";

const claims = (more: Record<string, unknown>) => ({
  iss: "i",
  sub: "f:12",
  aud: "c",
  exp: 1,
  iat: 0,
  ...more,
});

describe("who somebody is", () => {
  const rows: [string, Record<string, unknown>, string][] = [
    ["the name and the user name", { name: "Ada L", preferred_username: "ada", email: "a@b" }, "Ada L (ada)"],
    ["one of them where they are the same", { name: "ada", preferred_username: "ada" }, "ada"],
    ["the name and the address", { name: "Ada L", email: "a@b" }, "Ada L (a@b)"],
    ["the address alone", { email: "a@b" }, "a@b"],
    ["the subject where nothing else is known", {}, "f:12"],
    [
      "the subject where the rest is empty or no text",
      { name: "", email: 7, preferred_username: null },
      "f:12",
    ],
    ["one line without escape sequences", { name: "A\x1b[2J\nB\u202e", email: "e\u0007" }, "A B (e)"],
  ];
  for (const [what, more, words] of rows) it(`is ${what}`, () => assert.equal(person(claims(more)), words));

  it("is not longer than a line", () => {
    assert.ok(person(claims({ name: "n".repeat(1000), email: "e".repeat(1000) })).length < 170);
  });
});
