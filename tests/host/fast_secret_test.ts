import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { systemClock } from "../../lib/clock.ts";
import { fastSecret, type FastSockets } from "../../lib/host/fast_secret.ts";
import { secretService } from "../../lib/host/secret_service.ts";
import { type Desktop, startDesktop } from "./desktop.ts";

const item = { id: "0123456789abcdef0123456789abcdef", label: "apex-token: a test" };

/** What Bun has, by the sockets that every runtime has; what comes is cut into pieces of `size` bytes. */
function sockets(size = 65_536): FastSockets {
  return {
    connect: ({ unix, socket: handler }) =>
      new Promise<void>((resolve, reject) => {
        const socket = connect({ path: unix });
        const ours = {
          write: (bytes: Uint8Array) => (socket.write(bytes), bytes.length),
          end: () => socket.end(),
        };
        socket.once("error", (error) => (handler.connectError(), reject(error)));
        socket.once("connect", () => (handler.open(ours), resolve()));
        socket.on("data", (chunk: Uint8Array) => {
          for (let at = 0; at < chunk.length; at += size) handler.data(ours, chunk.subarray(at, at + size));
        });
        socket.on("close", () => handler.close());
      }),
  };
}

const asked = (
  environment: Readonly<Record<string, string>>,
  id = item.id,
  size?: number,
  uid = process.getuid!(),
) => fastSecret(sockets(size), (name) => environment[name], uid, id);

describe("the quick way to a secret of the keyring", () => {
  let desktop: Desktop;
  before(async () => {
    desktop = await startDesktop();
    const environment = (name: string) => desktop.environment[name];
    await secretService({ platform: "linux", environment, clock: systemClock }).write(item, "a secret, ü");
  });
  after(() => desktop.close());

  it("gives what the careful way has kept, in whatever pieces it comes", async () => {
    for (const size of [1, 7, 65_536]) {
      assert.equal(await asked(desktop.environment, item.id, size), "a secret, ü", `${size} bytes`);
    }
  });

  it("gives nothing for what is not there, or to somebody else", async () => {
    assert.equal(await asked(desktop.environment, "ff"), undefined);
    assert.equal(await asked(desktop.environment, item.id, 65_536, process.getuid!() + 1), undefined);
  });

  it("gives nothing while the keyring is locked or gone", async () => {
    await desktop.lockKeyring();
    assert.equal(await asked(desktop.environment), undefined);
    await desktop.killKeyring();
    assert.equal(await asked(desktop.environment), undefined);
    await desktop.unlockKeyring();
    assert.equal(await asked(desktop.environment), "a secret, ü");
  });

  it("gives nothing where there is no bus", async () => {
    assert.equal(await asked({}), undefined);
    assert.equal(await asked({ DBUS_SESSION_BUS_ADDRESS: "unix:path=/nowhere/bus" }), undefined);
  });

  it("gives nothing where something else listens", async () => {
    const folder = mkdtempSync(join(tmpdir(), "apex-token-bus-"));
    const says: Record<string, string> = {
      nonsense: "OK 0123\r\nthis is no message of D-Bus",
      no: "REJECTED EXTERNAL\r\n",
      "too much": "x".repeat(100_000),
      "the end": "",
      silence: "OK 0123\r\n",
    };
    try {
      for (const [name, text] of Object.entries(says)) {
        const path = join(folder, name);
        const server = createServer((socket) => {
          socket.on("error", () => {}).resume();
          if (text) socket.write(text);
          else socket.end();
        });
        await new Promise<void>((resolve) => server.listen(path, resolve));
        assert.equal(await asked({ DBUS_SESSION_BUS_ADDRESS: `unix:path=${path}` }), undefined, name);
        await new Promise((resolve) => server.close(resolve));
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
