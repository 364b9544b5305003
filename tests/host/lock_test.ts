import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, describe, it } from "node:test";
import { systemClock } from "../../lib/clock.ts";
import { isTokenError, TokenError } from "../../lib/errors.ts";
import { acquireLock } from "../../lib/host/lock.ts";
import { bun, deno, node, root } from "../../scripts/toolchain.ts";
import { fakeClock } from "../fake_clock.ts";
import { type RunningProcess, startDeno, startProcess } from "../process.ts";

const folder = mkdtempSync(join(tmpdir(), "apex-token-lock-"));
after(() => rmSync(folder, { recursive: true }));

let count = 0;
let path: string;
beforeEach(() => {
  path = join(folder, `lock-${count++}`);
});

const clock = systemClock;
const failsWith = (code: string) => (error: unknown) => isTokenError(error) && error.code === code;
/** Takes the lock if it is free. */
const tryLock = () => acquireLock(path, { clock, done: () => true });

describe("a lock", () => {
  it("is held by one at a time", async () => {
    const first = (await acquireLock(path, { clock }))!;
    assert.equal(await tryLock(), undefined);
    first.release();
    const second = (await tryLock())!;
    assert.ok(second);
    first.release();
    assert.equal(await tryLock(), undefined, "a second release is no release of somebody else's");
    second.release();
  });

  it("is handed to who waits", async () => {
    const order: string[] = [];
    const first = (await acquireLock(path, { clock }))!;
    const waiting = acquireLock(path, { clock }).then((lock) => {
      order.push("second");
      return lock!;
    });
    order.push("first");
    first.release();
    (await waiting).release();
    assert.deepEqual(order, ["first", "second"]);
  });

  it("is not waited for any longer when what it was for is done", async () => {
    const first = (await acquireLock(path, { clock }))!;
    let asked = 0;
    assert.equal(await acquireLock(path, { clock, done: () => ++asked === 3 }), undefined);
    assert.equal(asked, 3);
    first.release();
  });

  it("is waited for until the timeout, and no longer", async () => {
    const first = (await acquireLock(path, { clock }))!;
    const time = fakeClock();
    const waiting = assert.rejects(acquireLock(path, { clock: time, timeout: 1000 }), failsWith("timeout"));
    await time.untilWaiting();
    await time.advance(1100);
    await waiting;
    first.release();
  });

  it("is not waited for after the signal", async () => {
    const first = (await acquireLock(path, { clock }))!;
    const controller = new AbortController();
    const waiting = acquireLock(path, { clock, signal: controller.signal });
    controller.abort(new TokenError("aborted", "Interrupted"));
    await assert.rejects(waiting, failsWith("aborted"));
    first.release();
    (await tryLock())!.release();
  });

  it("is a private, empty file, also when its holder asks for it again", async () => {
    const lock = (await acquireLock(path, { clock }))!;
    const { mode, size } = statSync(path);
    assert.deepEqual([mode & 0o777, size], [0o600, 0]);
    lock.release();
    assert.equal(statSync(path).size, 0);
  });

  it("needs no room on the disk: there is no other file beside it, while it is held or after", async () => {
    const directory = mkdtempSync(join(folder, "alone-"));
    const lock = (await acquireLock(join(directory, "lock"), { clock }))!;
    assert.deepEqual(readdirSync(directory), ["lock"]);
    lock.release();
    assert.deepEqual(readdirSync(directory), ["lock"]);
  });

  it("says what is wrong with its file", async () => {
    writeFileSync(
      path,
      "this is no lock at all, but something that is long enough to be looked at".repeat(20),
    );
    await assert.rejects(acquireLock(path, { clock }), (error) => {
      return failsWith("storage")(error) && /Cannot use the lock/.test((error as Error).message);
    });
    await assert.rejects(acquireLock(join(folder, "none", "lock"), { clock }), failsWith("storage"));
    await assert.rejects(acquireLock(folder, { clock }), failsWith("storage"));
  });
});

describe("a lock between processes", () => {
  const program = `${root}tests/host/programs/hold_lock.ts`;
  const runtimes: Record<string, (args: string[]) => RunningProcess> = {
    deno: (args) => startDeno(["run", "-A", "--quiet", "--no-config", program, ...args], { stdin: "open" }),
    bun: (args) => startProcess(bun(), [program, ...args], { stdin: "open" }),
    node: (args) => startProcess(node(), [program, ...args], { stdin: "open" }),
  };
  assert.ok(deno());

  for (const [name, start] of Object.entries(runtimes)) {
    it(`that ${name} holds keeps us out, and is free when it is killed`, async () => {
      const holder = start([path]);
      await holder.waitFor("stdout", /held/);
      assert.equal(await tryLock(), undefined);
      holder.kill("SIGKILL");
      await holder.ended;
      (await tryLock())!.release();
    });

    it(`that we hold keeps ${name} out, even while we ask for it twice ourselves`, async () => {
      const mine = (await acquireLock(path, { clock }))!;
      // to close a file drops all locks of a process on it: who asks in vain must not open it as a file
      assert.equal(await tryLock(), undefined);
      const other = start([path]);
      await other.waitFor("stdout", /waiting/);
      mine.release();
      await other.waitFor("stdout", /held/);
      other.endInput();
      const { stdout } = await other.ended;
      assert.match(stdout, /waiting\nheld\n/);
    });
  }
});
