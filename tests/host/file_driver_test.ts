import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { systemClock } from "../../lib/clock.ts";
import { isTokenError, TokenError } from "../../lib/errors.ts";
import { fileDriver } from "../../lib/host/file_driver.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const base = mkdtempSync(join(tmpdir(), "apex-token-driver-"));
after(() => rmSync(base, { recursive: true }));
let count = 0;

function driverAt(directory: string, key: () => Uint8Array = () => new Uint8Array(32).fill(7)) {
  return fileDriver({ directory, name: "p", key, clock: systemClock });
}
const place = () => join(base, `state-${++count}`);

describe("the files of a sign-in", () => {
  it("keep the session and what a renewal notes apart, and encrypted", async () => {
    const directory = place();
    const { sessions, attempts } = driverAt(directory);
    await sessions.compareAndSet("p", undefined, bytes("a visible session"));
    await attempts.compareAndSet("p", undefined, bytes("a visible attempt"));
    const files = readdirSync(directory, { recursive: true }).map(String).filter((path) =>
      /g-\d+$/.test(path)
    );
    assert.deepEqual(files.sort(), ["attempts/p/g-1", "sessions/p/g-1"]);
    for (const file of files) {
      const path = join(directory, file);
      assert.doesNotMatch(readFileSync(path, "latin1"), /visible/);
      assert.equal(statSync(path).mode & 0o777, 0o600);
    }
    // neither can be put in the other's place
    const again = driverAt(directory);
    assert.equal(new TextDecoder().decode((await again.sessions.read("p"))!.value), "a visible session");
    assert.equal(new TextDecoder().decode((await again.attempts.read("p"))!.value), "a visible attempt");
  });

  it("ask for the key once, when it is first needed, and do without it from then on", async () => {
    let asked = 0;
    const driver = driverAt(place(), () => {
      if (++asked > 1) throw new TokenError("key", "The key has gone");
      return new Uint8Array(32);
    });
    assert.equal(asked, 0);
    await driver.prepare();
    await driver.sessions.compareAndSet("p", undefined, bytes("x"));
    await driver.attempts.compareAndSet("p", undefined, bytes("y"));
    assert.equal(asked, 1);
  });

  it("cannot be prepared without the key", async () => {
    const driver = driverAt(place(), () => {
      throw new TokenError("key", "There is none");
    });
    await assert.rejects(driver.prepare(), (error) => isTokenError(error) && error.code === "key");
  });

  it("reserve room, and give it back", async () => {
    const directory = place();
    const driver = driverAt(directory);
    await driver.prepare();
    assert.equal(statSync(join(directory, "reserve")).size, 65_536);
    await driver.relieve();
    assert.ok(!existsSync(join(directory, "reserve")));
  });

  it("are one holder's at a time, and nobody waits who need not", async () => {
    const directory = place();
    const lock = (await driverAt(directory).lock(() => false))!;
    assert.equal(await driverAt(directory).lock(() => Promise.resolve(true)), undefined);
    const waiting = driverAt(directory).lock(() => false);
    lock.release();
    (await waiting)!.release();
  });

  it("are forgotten without the key", async () => {
    const directory = place();
    const { sessions, attempts } = driverAt(directory);
    await sessions.compareAndSet("p", undefined, bytes("x"));
    await attempts.compareAndSet("p", undefined, bytes("y"));
    const keyless = driverAt(directory, () => {
      throw new TokenError("key", "There is none");
    });
    assert.equal(await keyless.forget(), true);
    assert.equal(await keyless.forget(), false);
    assert.equal(await driverAt(directory).sessions.read("p"), undefined);
    assert.equal(await driverAt(directory).attempts.read("p"), undefined);
  });
});
