import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { systemClock } from "../../lib/clock.ts";
import { readProfile } from "../../lib/profile/profile_files.ts";
import { sessionHome } from "../../lib/profile/session_home.ts";
import { type RunningProvider, startProvider } from "../interop/oidc_provider.ts";
import { type Machine, makeMachine, type Variant } from "./machine.ts";
import { done, signIn } from "./sign_in.ts";

describe("many processes and one sign-in, at a server that takes each refresh token once", () => {
  const variants: readonly Variant[] = ["deno", "bun", "node", "binary"];
  let provider: RunningProvider;
  let home: Machine;
  /** The same home, seen by each runtime. */
  let machines: Machine[];

  before(async () => {
    provider = await startProvider({ rotate: true });
    home = await makeMachine("binary");
    machines = await Promise.all(variants.map((variant) => makeMachine(variant)));
    await signIn(home, provider, "p");
  });
  after(async () => {
    await provider.close();
    for (const machine of [home, ...machines]) machine.close();
  });

  const expire = () => home.age("p", (_, now) => ({ expiresAt: now - 1, softAt: now - 1, hardAt: now - 1 }));
  const run = (machine: Machine, args: string[]) => machine.run(args, { env: { HOME: home.home } });

  for (const count of [2, 8]) {
    it(`${count} of them make one refresh, and all have the new token`, async () => {
      await expire();
      const requests = provider.count("/token", "refresh_token");
      const all = Array.from({ length: count }, (_, at) => run(machines[at % machines.length], ["get", "p"]));
      const tokens = (await Promise.all(all)).map((result) => done(result).stdout);
      assert.equal(new Set(tokens).size, 1);
      assert.equal(provider.count("/token", "refresh_token"), requests + 1);
    });
  }

  it("each narrows the token in its own way, one refresh after the other, and the family lives", async () => {
    const requests = provider.count("/token", "refresh_token");
    const all = machines.map((machine, at) => run(machine, ["get", "p", "--aud", `audience-${at}`]));
    for (const result of await Promise.all(all)) done(result);
    assert.equal(provider.count("/token", "refresh_token"), requests + machines.length);
    done(await run(home, ["get", "p", "--force"]));
  });

  it("a sign-in and a renewal at the same time leave the newer sign-in", async () => {
    await expire();
    const [login] = await Promise.all([
      signIn(home, provider, "p"),
      ...machines.map((machine) => run(machine, ["get", "p"])),
    ]);
    done(login);
    for (const machine of machines) done(await run(machine, ["get", "p", "--force"]));
  });

  it("a renewal that was under way does not undo a sign-in that came meanwhile", async () => {
    const sessions = sessionHome(home.host, readProfile(home.host, "p"));
    // this test is the one who renews: it has the lock, and writes what it got after the sign-in has succeeded
    const lock = (await sessions.lock(() => false))!;
    const { session, version } = (await sessions.read())!;
    const login = signIn(home, provider, "p");
    // with the lock, the sign-in waits; without, it would be over by then, and the older family would replace it
    await Promise.race([login, systemClock.sleep(500)]);
    await sessions.write({ ...session, refreshToken: "the older family" }, version);
    lock.release();
    await login;
    assert.notEqual((await home.session("p")).refreshToken, "the older family");
    done(await run(home, ["get", "p", "--force"]));
  });

  it("who waits does not wait for a renewal that is not needed yet", async () => {
    const lock = await sessionHome(home.host, readProfile(home.host, "p")).lock(() => false);
    try {
      await home.age("p", (_, now) => ({ expiresAt: now + 200, softAt: now - 1, hardAt: now + 190 }));
      const requests = provider.requests.length;
      for (const machine of machines) done(await run(machine, ["get", "p"]));
      assert.equal(provider.requests.length, requests);
    } finally {
      lock?.release();
    }
  });
});
