/**
 * A desktop without a screen: a session bus and a GNOME Keyring of its own.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** A running desktop. */
export interface Desktop {
  /** What its programs have in their environment, but for `HOME`. */
  readonly environment: Readonly<Record<string, string>>;
  /** Ends the keyring's daemon where it stands. */
  killKeyring(): Promise<void>;
  /** Ends it, and starts one that was never told the password. */
  lockKeyring(): Promise<void>;
  /** Ends it, and starts one that knows the password. */
  unlockKeyring(): Promise<void>;
  close(): Promise<void>;
}

/** What the desktop begins with. */
export interface DesktopOptions {
  /** Default: an unlocked keyring. `none`: a bus on which nobody offers one. */
  readonly keyring?: "unlocked" | "none";
}

/** Starts a desktop; `close` it. */
export async function startDesktop({ keyring = "unlocked" }: DesktopOptions = {}): Promise<Desktop> {
  const home = mkdtempSync(join(tmpdir(), "apex-token-desktop-"));
  const runtime = join(home, "run");
  mkdirSync(runtime, { mode: 0o700 });
  // without the machine's service files, nothing starts by itself
  const configuration = `<busconfig><type>session</type><listen>unix:path=${runtime}/bus</listen>` +
    `<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>` +
    `<allow own="*"/></policy></busconfig>`;
  writeFileSync(join(home, "bus.conf"), configuration);
  const environment = { DBUS_SESSION_BUS_ADDRESS: `unix:path=${runtime}/bus`, XDG_RUNTIME_DIR: runtime };
  const env = { PATH: process.env.PATH ?? "", HOME: home, ...environment };
  const bus = await started(
    spawn("dbus-daemon", ["--nofork", "--print-address=1", `--config-file=${home}/bus.conf`], {
      env,
      stdio: ["ignore", "pipe", "ignore"],
    }),
    /unix:/,
  );
  let daemon: ChildProcess | undefined;
  const begin = async (password?: string) => {
    const args = ["--foreground", "--components=secrets", ...(password === undefined ? [] : ["--unlock"])];
    daemon = spawn("gnome-keyring-daemon", args, { env, stdio: ["pipe", "pipe", "ignore"] });
    daemon.stdin!.end(password ?? "");
    await named(env);
  };
  const end = async () => {
    if (daemon) await killed(daemon);
    daemon = undefined;
  };
  if (keyring === "unlocked") await begin("a password");
  return {
    environment,
    killKeyring: end,
    lockKeyring: async () => {
      await end();
      await begin();
    },
    unlockKeyring: async () => {
      await end();
      await begin("a password");
    },
    close: async () => {
      await end();
      await killed(bus);
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function started(child: ChildProcess, sign: RegExp): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    let text = "";
    child.on("error", reject);
    child.on("exit", () => reject(new Error(`it ended: ${text}`)));
    child.stdout!.on("data", (chunk) => sign.test(text += chunk) && resolve(child));
  });
}

/** Waits until somebody has the name of the Secret Service; the bus itself says so. */
async function named(env: Record<string, string>): Promise<void> {
  for (;;) {
    const has = await new Promise<boolean>((resolve, reject) => {
      const words = "--session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner";
      const child = spawn("dbus-send", [...words.split(" "), "string:org.freedesktop.secrets"], { env });
      let text = "";
      child.stdout.on("data", (chunk) => text += chunk);
      child.on("error", reject);
      child.on("close", () => resolve(text.includes("boolean true")));
    });
    if (has) return;
  }
}

function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.on("exit", () => resolve());
    child.kill("SIGKILL");
  });
}
