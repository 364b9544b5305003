import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { judge, type Presentation, type Sender } from "./judge.ts";

const alive = (name: string): Sender => ({ name });
const killed = (name: string, killedAt: number): Sender => ({ name, killedAt, step: "present" });
const rotated = (request: number, sender: Sender, at: number, next = `next-${request}`): Presentation => ({
  request,
  token: "token",
  sender,
  arrivedAt: at,
  carriedOutAt: at + 1,
  next,
});
const revoked = (request: number, sender: Sender, at: number): Presentation => ({
  request,
  token: "token",
  sender,
  arrivedAt: at,
  carriedOutAt: at + 1,
  revoked: true,
});
const causeOf = (presentations: Presentation[], durable: string[] = []) =>
  judge(presentations.at(-1)!, presentations, (token) => durable.includes(token)).cause;

describe("who is to blame for a sign-in that a server ended", () => {
  it("death, where the first one was killed before its answer was durable", () => {
    assert.equal(causeOf([rotated(1, killed("one", 150), 100), revoked(2, alive("two"), 200)]), "death");
  });

  it("death, where a server that forgives was asked by several who died", () => {
    const uses = [rotated(1, killed("one", 150), 100), rotated(2, killed("two", 250), 200)];
    assert.equal(causeOf([...uses, revoked(3, alive("three"), 9000)]), "death");
  });

  it("we, where the first one was never killed", () => {
    assert.equal(causeOf([rotated(1, alive("one"), 100), revoked(2, alive("two"), 200)]), undefined);
  });

  it("we, where the first one was killed after the second had begun", () => {
    assert.equal(causeOf([rotated(1, killed("one", 250), 100), revoked(2, alive("two"), 200)]), undefined);
  });

  it("we, where the answer of the dead had become durable", () => {
    const all = [rotated(1, killed("one", 150), 100), revoked(2, alive("two"), 200)];
    assert.equal(causeOf(all, ["next-1"]), undefined);
  });

  it("we, where one of several answers had become durable", () => {
    const uses = [rotated(1, killed("one", 150), 100), rotated(2, alive("two"), 200)];
    assert.equal(causeOf([...uses, revoked(3, alive("three"), 300)], ["next-2"]), undefined);
  });

  it("we, where nobody had used the token", () => {
    assert.equal(causeOf([revoked(1, killed("one", 50), 100)]), undefined);
  });

  it("the network, where a dead one's request came after that of its successor", () => {
    const late = revoked(2, killed("one", 90), 95);
    assert.equal(
      causeOf([rotated(1, alive("two"), 100), { ...late, carriedOutAt: 110 }], ["next-1"]),
      "late request",
    );
  });
});
