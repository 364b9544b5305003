/** The ground of a workstation: files on a virtual disk, and a kernel's lock. */

import { fileStore } from "../../lib/host/file_store.ts";
import { generationOf, unframe } from "../../lib/host/generation_files.ts";
import {
  readPrivateFile,
  removePrivateFile,
  writePrivateFileAtomically,
} from "../../lib/host/private_files.ts";
import { ensureReserve, freeReserve } from "../../lib/host/reserve.ts";
import { TokenError } from "../../lib/errors.ts";
import type { Store } from "../../lib/store/store.ts";
import { NAME, type Records } from "./checks.ts";
import { COOL_DOWN, type Ground, sharedPorts, type Token } from "./client.ts";
import type { Request } from "./server.ts";
import type { VirtualProcess, World } from "./world.ts";

/** Where things are. */
const PLACES = { sessions: "/state/sessions", attempts: "/state/attempts", tokens: "/state/tokens" };

/** The files of a virtual process. */
export function fileGround(world: World): Ground {
  return {
    records: recordsOnDisk(world),
    passed: () => {},
    next: () => Infinity,
    calm: () => {},
    signIn: async ({ checks, counts }, process, session, locked) => {
      while (locked && !world.tryLock(process)) await world.turn(process, world.now() + 50);
      const begun = session();
      const text = JSON.stringify(begun);
      const { sessions, attempts } = stores(process.files);
      try {
        for (;;) {
          await world.turn(process);
          const version = (await sessions.read(NAME))?.version;
          await world.turn(process);
          const written = checks.writing(text);
          if (await sessions.compareAndSet(NAME, version, new TextEncoder().encode(text)) !== undefined) {
            if (process.dead) return;
            written();
            break;
          }
        }
        world.trace(`${process.name}: signed in with ${begun.refreshToken}`);
        counts.signIns++;
        await world.turn(process);
        await attempts.remove(NAME);
        for (const asked of ["a", "b"]) {
          removePrivateFile(`${PLACES.tokens}/${asked}`, { files: process.files });
        }
      } catch (error) {
        if (!(error instanceof TokenError)) throw error;
      } finally {
        world.unlock(process);
      }
    },
    run: (setting, process, wish) => {
      const { checks, sabotage } = setting;
      const files = sabotage.files?.(process.files) ?? process.files;
      const places = stores(files);
      const tokenPath = `${PLACES.tokens}/${wish.asked}`;
      const reserve = "/state/reserve";
      const log = { done: true };
      let request: Request | undefined;
      let fillsWhenRelieved: number | undefined;

      /** Each call has a turn of its own, and tells the checks what has become durable. */
      function observed(store: Store, what: string, isSession: boolean): Store {
        return {
          ...store,
          read: async (key) => {
            await world.turn(process);
            return await store.read(key);
          },
          compareAndSet: async (key, expected, value) => {
            await world.turn(process);
            const text = new TextDecoder().decode(value);
            const written = isSession ? checks.writing(text) : () => {};
            // if it fails, there was nothing that could have been done
            log.done = true;
            const version = await store.compareAndSet(key, expected, value);
            if (process.dead || version === undefined) return version;
            written();
            checks.durable(text);
            world.trace(`${process.name}: ${what} ${isSession ? text : text.split("\n")[0]}`);
            return version;
          },
          remove: async (key, expected) => {
            await world.turn(process);
            const removed = await store.remove(key, expected);
            if (removed && !process.dead) world.trace(`${process.name}: tidied up`);
            return removed;
          },
        };
      }

      const writeToken = async (token: Token) => {
        await world.turn(process);
        writePrivateFileAtomically(
          `${PLACES.tokens}/${token.asked}`,
          new TextEncoder().encode(JSON.stringify(token)),
          { files },
        );
      };

      const shared = sharedPorts(setting, process, wish, log, (sent) => void (request = sent));
      return {
        ports: {
          ...shared,
          present: async (kept) => {
            await world.turn(process);
            return await shared.present(kept);
          },
          sessions: observed(places.sessions, "committed", true),
          attempts: observed(places.attempts, "noted", false),
          readToken: async () => {
            await world.turn(process);
            const bytes = readPrivateFile(tokenPath, { limit: 1e6, files });
            try {
              return bytes && JSON.parse(new TextDecoder().decode(bytes));
            } catch {
              return undefined;
            }
          },
          keepToken: writeToken,
          postpone: async (token) => {
            const softAt = Math.min(world.now() + COOL_DOWN, token.hardAt);
            if (softAt > token.softAt) await writeToken({ ...token, softAt });
          },
          lock: async (done) => {
            const patience = world.now() + 60_000;
            for (let pause = 5;; pause = Math.min(pause * 2, 500)) {
              await world.turn(process);
              if (world.tryLock(process)) return () => world.unlock(process);
              if (!done || await done()) return undefined;
              if (world.now() > patience) throw new TokenError("timeout", "The lock was not had");
              await world.turn(process, world.now() + pause);
            }
          },
          prepare: async () => {
            await world.turn(process);
            ensureReserve(reserve, { files });
          },
          relieve: async () => {
            await world.turn(process);
            freeReserve(reserve, { files });
            fillsWhenRelieved = world.fills();
          },
        },
        again: () => false,
        failed: () => {
          // what was given back was gone before it could be used
          const isGone = fillsWhenRelieved !== undefined && world.fills() > fillsWhenRelieved;
          if (request && !request.durable && isGone) request.unwritable = "full disk";
        },
      };
    },
  };
}

function stores(files: VirtualProcess["files"]): { readonly sessions: Store; readonly attempts: Store } {
  return { sessions: fileStore(PLACES.sessions, { files }), attempts: fileStore(PLACES.attempts, { files }) };
}

function recordsOnDisk({ disk }: World): Records {
  const files = disk.files(() => {});

  function whole(place: string): string | undefined {
    const directory = `${place}/${NAME}`;
    if (!files.lstatSync(directory, { throwIfNoEntry: false })) return undefined;
    const numbers = files.readdirSync(directory).map(generationOf).filter((number) => number !== undefined);
    for (const number of numbers.sort((one, other) => other - one)) {
      const content = unframe(readPrivateFile(`${directory}/g-${number}`, { limit: 1e6, links: 2, files })!);
      if (content) return content.value && new TextDecoder().decode(content.value);
    }
    return undefined;
  }

  return {
    session: () => whole(PLACES.sessions),
    attempt: () => whole(PLACES.attempts),
    token: (asked) => {
      const path = `${PLACES.tokens}/${asked}`;
      if (!files.lstatSync(path, { throwIfNoEntry: false })) return undefined;
      return new TextDecoder().decode(readPrivateFile(path, { limit: 1e6, links: 2, files })!);
    },
    changes: () => disk.changes(),
  };
}
