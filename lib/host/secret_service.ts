/**
 * The Secret Service of a Linux desktop (freedesktop.org Secret Storage API 0.2): GNOME Keyring, KWallet, KeePassXC.
 *
 * Spoken over the session bus by ourselves, so that it is there wherever a keyring is. The session is a
 * `plain` one: a secret crosses the bus's own socket, which nobody but this user and root can read.
 *
 * @module
 */

import { isTokenError, TokenError } from "../errors.ts";
import { attributes, openSession, searchItems, secretCall, secretIn, SECRETS } from "./_secret_calls.ts";
import type { DBusCall } from "./_session_bus.ts";
import { connectSessionBus, type DBus } from "./dbus.ts";
import type { DBusValue, DBusVariant } from "./dbus_wire.ts";
import type { Keyring, KeyringItem, KeyringState, KeyringSurroundings } from "./keyring.ts";

const NONE = "/";
const LOCKED = "org.freedesktop.Secret.Error.IsLocked";
/** How long somebody has to type into the window that unlocks a keyring, in milliseconds. */
const PROMPT_PATIENCE = 120_000;

/** The keyring behind the session bus. */
export function secretService(surroundings: KeyringSurroundings): Keyring {
  const { environment, clock } = surroundings;
  // a window on a screen that the person at this terminal sees
  const canAsk = surroundings.terminal !== undefined &&
    (environment("WAYLAND_DISPLAY") ?? environment("DISPLAY")) !== undefined;

  async function withService<T>(work: (service: Service) => Promise<T>): Promise<T> {
    const bus = await connectSessionBus(environment, clock).catch(foreign);
    if (!bus) throw absent("there is no D-Bus session bus");
    try {
      return await work(serviceOn(bus, canAsk)).catch(foreign);
    } finally {
      bus.close();
    }
  }

  return {
    title: "the keyring of this desktop",
    state: async (): Promise<KeyringState> => {
      try {
        return await withService(({ state }) => state());
      } catch (error) {
        if (isTokenError(error)) return "absent";
        throw error;
      }
    },
    write: (item, secret, signal) =>
      withService(async (service) => {
        const collection = await service.collection();
        if (!collection) throw absent("it has no default collection");
        await service.unlock(collection, signal);
        await service.create(collection, item, secret);
        return undefined;
      }),
    read: (item, signal) =>
      withService(async (service) => {
        const path = await service.find(item) ?? await service.findLocked(item, signal);
        if (!path) return undefined;
        await service.unlock(path, signal);
        return await service.secret(path);
      }),
    remove: (item) =>
      withService(async (service) => {
        const path = await service.find(item);
        if (path) await service.remove(path);
      }),
  };
}

interface Service {
  state(): Promise<KeyringState>;
  /** The path of the default collection. */
  collection(): Promise<string | undefined>;
  /** The path of an item, locked or not. */
  find(item: KeyringItem): Promise<string | undefined>;
  /** The same after unlocking the collection: one that was never open does not say what is in it. */
  findLocked(item: KeyringItem, signal?: AbortSignal): Promise<string | undefined>;
  unlock(path: string, signal?: AbortSignal): Promise<void>;
  create(collection: string, item: KeyringItem, secret: string): Promise<void>;
  secret(path: string): Promise<string>;
  remove(path: string): Promise<void>;
}

function serviceOn(bus: DBus, canAsk: boolean): Service {
  async function ask(call: DBusCall): Promise<readonly DBusValue[]> {
    const answer = await bus.call(call);
    if (!("errorName" in answer)) return answer.body;
    if (answer.errorName === LOCKED) throw locked();
    if (answer.errorName.startsWith("org.freedesktop.DBus.Error.S")) {
      // ServiceUnknown, Spawn.…: nobody offers it, or it does not start
      throw absent("no program on the session bus offers one");
    }
    throw absent(`it says ${answer.errorName.replace(/[^\w.]/g, "").slice(0, 80)}`);
  }

  /** Lets a person answer a prompt of the service. */
  async function prompted(prompt: string, signal?: AbortSignal): Promise<void> {
    if (prompt === NONE) return;
    if (!canAsk) {
      await ask(secretCall(prompt, "Prompt", "Dismiss")).catch(() => {});
      throw locked();
    }
    const heard = bus.signal(prompt, "Completed", { milliseconds: PROMPT_PATIENCE, signal });
    heard.catch(() => {});
    await ask(secretCall(prompt, "Prompt", "Prompt", "s", [""]));
    const [dismissed] = await heard.catch(async (error) => {
      await ask(secretCall(prompt, "Prompt", "Dismiss")).catch(() => {});
      throw signal?.aborted ? new TokenError("aborted", "Gave up waiting for the keyring") : error;
    });
    if (dismissed === true) throw locked();
  }

  async function open(): Promise<string> {
    const [, session] = await ask(openSession);
    return session as string;
  }

  async function collection(): Promise<string | undefined> {
    const [path] = await ask(secretCall(SECRETS.path, "Service", "ReadAlias", "s", ["default"]));
    return path === NONE ? undefined : path as string;
  }

  async function isLocked(path: string): Promise<boolean> {
    const body = ["org.freedesktop.Secret.Collection", "Locked"];
    const properties = "org.freedesktop.DBus.Properties";
    const get = { destination: SECRETS.destination, path, interface: properties, member: "Get" };
    const [answer] = await ask({ ...get, signature: "ss", body });
    return (answer as DBusVariant).value === true;
  }

  async function find(item: KeyringItem): Promise<string | undefined> {
    const [open, closed] = await ask(searchItems(item.id)) as [string[], string[]];
    return open[0] ?? closed[0];
  }

  async function unlock(path: string, signal?: AbortSignal): Promise<void> {
    const [, prompt] = await ask(secretCall(SECRETS.path, "Service", "Unlock", "ao", [[path]]));
    await prompted(prompt as string, signal);
  }

  return {
    collection,
    find,
    unlock,
    state: async () => {
      const path = await collection();
      if (!path) return "absent";
      return await isLocked(path) ? "locked" : "ready";
    },
    findLocked: async (item, signal) => {
      const path = await collection();
      if (!path || !await isLocked(path)) return undefined;
      await unlock(path, signal);
      return await find(item);
    },
    create: async (collection, item, secret) => {
      const session = await open();
      const properties: DBusValue = [
        ["org.freedesktop.Secret.Item.Label", { signature: "s", value: item.label }],
        ["org.freedesktop.Secret.Item.Attributes", { signature: "a{ss}", value: attributes(item.id) }],
      ];
      const value: DBusValue = [session, [], new TextEncoder().encode(secret), "text/plain"];
      const body = [properties, value, true];
      const [, prompt] = await ask(
        secretCall(collection, "Collection", "CreateItem", "a{sv}(oayays)b", body),
      );
      await prompted(prompt as string);
    },
    secret: async (path) => {
      const [secret] = await ask(secretCall(path, "Item", "GetSecret", "o", [await open()]));
      return secretIn(secret);
    },
    remove: async (path) => {
      const [prompt] = await ask(secretCall(path, "Item", "Delete"));
      await prompted(prompt as string);
    },
  };
}

function locked(): TokenError {
  return new TokenError("key", "The keyring is locked, and nobody can unlock it from here", {
    nextStep: "Unlock it where you are logged in to a desktop, and try again",
  });
}

function absent(why: string): TokenError {
  return new TokenError("key", `Cannot reach a keyring: ${why}`, {
    nextStep: "Run it where you are logged in to a desktop",
  });
}

/** What goes wrong on the bus is a key that cannot be reached. */
function foreign(error: unknown): never {
  if (!isTokenError(error) || error.code === "key" || error.code === "aborted") throw error;
  throw absent(error.code === "timeout" ? "it does not answer" : "the session bus broke the connection");
}
