import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { type RunningProvider, startProvider } from "../interop/oidc_provider.ts";
import { type Machine, makeMachine, quickVariant } from "./machine.ts";
import { done, refused, signIn } from "./sign_in.ts";

describe("while the server is down", () => {
  let provider: RunningProvider;
  let machine: Machine;

  before(async () => {
    provider = await startProvider();
    machine = await makeMachine(quickVariant);
    await signIn(machine, provider, "p");
  });
  after(async () => {
    await provider.close();
    machine.close();
  });
  beforeEach(async () => {
    provider.setDown(false);
    done(await machine.run(["get", "p", "--force"]));
    provider.setDown(true);
  });

  /** As if the token had `left` seconds to live and were due for renewal. */
  const due = (left: number) =>
    machine.age("p", (_, now) => ({ expiresAt: now + left, softAt: now - 1, hardAt: now + left - 1 }));

  it("a good token is served without asking", async () => {
    const requests = provider.requests.length;
    assert.equal(done(await machine.run(["get", "p"])).stderr, "");
    assert.equal(provider.requests.length, requests);
  });

  it("a token that is due for renewal is served, and the server is left alone for a minute", async () => {
    await due(200);
    const token = (await machine.token("p"))!.accessToken;
    const requests = provider.requests.length;
    const before = Date.now() / 1000;
    const first = done(await machine.run(["get", "p"]));
    const after = Date.now() / 1000;
    assert.deepEqual([first.stdout, first.stderr], [`${token}\n`, ""]);
    assert.equal(provider.requests.length, requests + 1);
    assert.equal(done(await machine.run(["get", "p"])).stdout, `${token}\n`);
    assert.equal(provider.requests.length, requests + 1);
    const { softAt } = (await machine.token("p"))!;
    assert.ok(softAt - 60 >= Math.floor(before) && softAt - 60 <= Math.ceil(after), `${softAt}, at ${after}`);
  });

  it("a token is served to its last seconds", async () => {
    await machine.age("p", (_, now) => ({ expiresAt: now + 120, softAt: now - 200, hardAt: now - 1 }));
    assert.match(done(await machine.run(["get", "p"])).stdout, /^[\w.-]+\n$/);
  });

  it("a token that is long enough for --min-validity is served, a shorter one is not", async () => {
    await due(200);
    done(await machine.run(["get", "p", "--min-validity", "100"]));
    await due(200);
    refused(await machine.run(["get", "p", "--min-validity", "250"]), 6, /cannot answer .* now/);
  });

  it("an expired token is never served", async () => {
    await due(-1);
    refused(await machine.run(["get", "p"]), 6, /cannot answer .* now: status 503/, /Try again later/);
  });

  it("a forced or narrowed one cannot be had", async () => {
    refused(await machine.run(["get", "p", "--force"]), 6);
    refused(await machine.run(["get", "p", "--aud", "other"]), 6);
  });

  it("nothing is lost: the next get after it is as before", async () => {
    await due(-1);
    refused(await machine.run(["get", "p"]), 6);
    provider.setDown(false);
    assert.equal(done(await machine.run(["get", "p"])).stderr, "");
  });
});

describe("after the sign-in has ended", () => {
  it("a token that is still valid is served with a warning, and the dead sign-in is not tried at each call", async () => {
    const provider = await startProvider();
    const machine = await makeMachine(quickVariant);
    try {
      await signIn(machine, provider, "p");
      await provider.revokeGrants();
      const began = Date.now() / 1000;
      await machine.age("p", (_, now) => ({ expiresAt: now + 200, softAt: now - 1, hardAt: now + 190 }));
      const { stdout, stderr } = done(await machine.run(["get", "p"]));
      const took = Date.now() / 1000 - began;
      const [, left] = /The sign-in of "p" has ended .*\. The present token is valid for (\d+) s more\./.exec(
        stderr,
      )!;
      assert.ok(Number(left) <= 200 && Number(left) >= 199 - took, `${left} s, after ${took} s`);
      assert.match(stderr, /Run: apex-token login p/);
      const requests = provider.requests.length;
      assert.deepEqual(await machine.run(["get", "p"]), { code: 0, stdout, stderr: "" });
      assert.equal(provider.requests.length, requests);
    } finally {
      await provider.close();
      machine.close();
    }
  });
});
