import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { systemClock } from "../../lib/clock.ts";
import { isTokenError } from "../../lib/errors.ts";
import { secretService } from "../../lib/host/secret_service.ts";
import { fakeClock } from "../fake_clock.ts";
import { runProcess } from "../process.ts";
import { type Desktop, startDesktop } from "./desktop.ts";

const item = { id: "0123456789abcdef0123456789abcdef", label: "apex-token: a test" };
const isKeyError = (message: RegExp) => (error: unknown) =>
  isTokenError(error) && error.code === "key" && message.test(error.message) && error.nextStep !== undefined;

function keyringOf(environment: Readonly<Record<string, string>>, more: object = {}) {
  return secretService({
    platform: "linux",
    environment: (name) => environment[name],
    clock: systemClock,
    ...more,
  });
}

describe("the keyring of a desktop", () => {
  let desktop: Desktop;
  before(async () => void (desktop = await startDesktop()));
  after(() => desktop.close());

  it("keeps a secret, gives it back, replaces and forgets it", async () => {
    const keyring = keyringOf(desktop.environment);
    assert.equal(await keyring.state(), "ready");
    assert.equal(await keyring.read(item), undefined);
    assert.equal(await keyring.write(item, "a first secret"), undefined);
    assert.equal(await keyring.read(item), "a first secret");
    await keyring.write(item, "a second, ü");
    await keyring.write({ ...item, id: "ff" }, "another's");
    assert.equal(await keyring.read(item), "a second, ü");
    await keyring.remove(item);
    assert.equal(await keyring.read(item), undefined);
    assert.equal(await keyring.read({ ...item, id: "ff" }), "another's");
    await keyring.remove(item);
  });

  it("is the one that the other programs of the desktop see", async () => {
    await keyringOf(desktop.environment).write(item, "for all to see");
    const attributes = ["application", "apex-token", "key", item.id];
    const { stdout } = await runProcess("secret-tool", ["lookup", ...attributes], {
      env: desktop.environment,
    });
    assert.equal(stdout, "for all to see");
  });

  it("is found where systemd puts its bus, without a variable that names it", async () => {
    const { XDG_RUNTIME_DIR } = desktop.environment;
    assert.equal(await keyringOf({ XDG_RUNTIME_DIR }).state(), "ready");
  });

  it("says at once that it is locked when nobody can unlock it, and loses nothing by it", async () => {
    await keyringOf(desktop.environment).write(item, "kept");
    await desktop.lockKeyring();
    const locked = keyringOf(desktop.environment);
    assert.equal(await locked.state(), "locked");
    await assert.rejects(locked.read(item), isKeyError(/is locked/));
    await assert.rejects(locked.write(item, "new"), isKeyError(/is locked/));
    await desktop.unlockKeyring();
    assert.equal(await keyringOf(desktop.environment).read(item), "kept");
  });

  it("does not wait for ever for a window that nobody answers", async () => {
    await keyringOf(desktop.environment).write(item, "kept");
    await desktop.lockKeyring();
    const asking = keyringOf({ ...desktop.environment, DISPLAY: ":99" }, { terminal: {} });
    await assert.rejects(asking.read(item), isKeyError(/is locked|does not answer|it says/));
    await desktop.unlockKeyring();
  });

  it("is missed, not waited for, when its daemon has died", async () => {
    const keyring = keyringOf(desktop.environment);
    await keyring.write(item, "kept");
    await desktop.killKeyring();
    assert.equal(await keyring.state(), "absent");
    await assert.rejects(keyring.read(item), isKeyError(/no program on the session bus offers one/));
    await desktop.unlockKeyring();
    assert.equal(await keyring.read(item), "kept");
  });
});

describe("where there is no keyring", () => {
  it("none answers: no variable, no bus, a bus without one", async () => {
    assert.equal(await keyringOf({}).state(), "absent");
    await assert.rejects(keyringOf({}).read(item), isKeyError(/no D-Bus session bus/));
    const nowhere = { DBUS_SESSION_BUS_ADDRESS: "unix:path=/nowhere/bus;tcp:host=127.0.0.1" };
    assert.equal(await keyringOf(nowhere).state(), "absent");
    const desktop = await startDesktop({ keyring: "none" });
    try {
      assert.equal(await keyringOf(desktop.environment).state(), "absent");
    } finally {
      await desktop.close();
    }
  });

  it("whoever listens there instead is given up after seconds", async () => {
    const folder = mkdtempSync(join(tmpdir(), "apex-token-bus-"));
    const path = join(folder, "bus");
    const says: Record<string, string> = {
      nothing: "",
      nonsense: "OK 0123\r\nthis is no message of D-Bus",
      no: "REJECTED EXTERNAL\r\n",
    };
    try {
      for (const [name, text] of Object.entries(says)) {
        const server = createServer((socket) => {
          socket.on("error", () => {}).resume();
          if (text) socket.write(text);
        });
        await new Promise<void>((resolve) => server.listen(path, resolve));
        const clock = fakeClock();
        const keyring = keyringOf({ DBUS_SESSION_BUS_ADDRESS: `unix:path=${path}` }, { clock });
        const answer = keyring.read(item);
        answer.catch(() => {});
        if (name === "nothing") {
          await clock.untilWaiting();
          await clock.advance(5000);
        }
        await assert.rejects(
          answer,
          isKeyError(name === "nothing" ? /does not answer/ : /broke the connection/),
          name,
        );
        await new Promise((resolve) => server.close(resolve));
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
