import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Host } from "../../lib/host/host.ts";
import { withPatience } from "../../lib/profile/patience.ts";
import { fakeClock } from "../fake_clock.ts";

function watch(isErrorTerminal: boolean) {
  const clock = fakeClock();
  const said: string[] = [];
  const host = { clock, isErrorTerminal, say: (text: string) => void said.push(text) } as unknown as Host;
  return { clock, said, host };
}

describe("a server that takes its time", () => {
  it("is named after three seconds, once, by its host alone", async () => {
    const { clock, said, host } = watch(true);
    let finish = (_: string) => {};
    const work = withPatience(
      host,
      "https://sso.example/realms/x?secret",
      () => new Promise<string>((r) => finish = r),
    );
    await clock.advance(2900);
    assert.deepEqual(said, []);
    await clock.advance(60_000);
    assert.deepEqual(said, ["Waiting for an answer from sso.example …"]);
    finish("done");
    assert.equal(await work, "done");
  });

  it("is not named when it was quick, or failed", async () => {
    const { clock, said, host } = watch(true);
    await withPatience(host, "https://sso.example", () => Promise.resolve());
    await assert.rejects(
      withPatience(host, "https://sso.example", () => Promise.reject(new Error("no"))),
      /no/,
    );
    await clock.advance(60_000);
    assert.deepEqual(said, []);
    assert.equal(clock.waiting(), 0);
  });

  it("is not named where no person looks, or where there is no URL", async () => {
    for (const [isTerminal, url] of [[false, "https://sso.example"], [true, "nonsense"]] as const) {
      const { clock, said, host } = watch(isTerminal);
      assert.equal(await withPatience(host, url, () => clock.sleep(0).then(() => 7)), 7);
      await clock.advance(60_000);
      assert.deepEqual(said, []);
    }
  });
});
