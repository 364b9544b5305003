// A Worker with stores in Durable Objects, for another process. Bundled and run by durable_object_test.ts.
//
// The name of a store says what it is on: "sqlite" and "plain" are the two kinds of storage, "real" has the clock of
// the machine; of "lossy" every first answer is lost.

import { systemClock } from "../../../lib/clock.ts";
import {
  type DurableObjectAnswer,
  type DurableObjectNamespace,
  type DurableObjectState,
  durableObjectStore,
  TokenStoreObject,
} from "../../../lib/store/durable_object.ts";
import { serveStores } from "../served_store.ts";

let passed = 0;
const clock = { ...systemClock, now: () => Date.now() + passed };

/** The object with a clock that a test moves, which tells the names in its storage. */
class ClockedObject extends TokenStoreObject {
  readonly #names: () => Promise<string[]>;

  constructor(
    state: DurableObjectState & { storage: { list(): Promise<Map<string, unknown>> } },
    env: unknown,
  ) {
    super(state, env, { clock });
    this.#names = async () => [...(await state.storage.list()).keys()];
  }

  override async fetch(request: Request): Promise<Response> {
    return request.url.endsWith("/names") ? Response.json(await this.#names()) : await super.fetch(request);
  }
}

/** Another kind of storage belongs to another class. */
class PlainObject extends ClockedObject {}

interface Environment {
  readonly SQLITE: DurableObjectNamespace;
  readonly PLAIN: DurableObjectNamespace;
  readonly REAL: DurableObjectNamespace;
}

let answer: ((body: string) => Promise<string>) | undefined;

function serve(env: Environment): (body: string) => Promise<string> {
  const namespaces: Record<string, DurableObjectNamespace> = {
    sqlite: env.SQLITE,
    plain: env.PLAIN,
    real: env.REAL,
    lossy: lossy(env.SQLITE),
  };
  return serveStores({
    open: (name) =>
      durableObjectStore(namespaces[name.split("-")[0]], { prefix: name, clock, deadline: 120_000 }),
    more: {
      passTime: (milliseconds) => void (passed += milliseconds),
      // What a request gets that is none of the store's.
      strange: async () => (await ask(env.SQLITE, "strange", "/")).status,
      names: async () => JSON.parse(await (await ask(env.SQLITE, "sqlite-nameskey", "/names")).text()),
      extras: () => {
        const { process, Buffer, Deno, Bun } = globalThis as Record<string, unknown>;
        return [process, Buffer, Deno, Bun].filter((extra) => extra !== undefined).length;
      },
    },
  });
}

function ask(namespace: DurableObjectNamespace, name: string, path: string): Promise<DurableObjectAnswer> {
  const object = namespace.get(namespace.idFromName(name) as never);
  return object.fetch(`https://token-store${path}`, { method: "POST", signal: new AbortController().signal });
}

function lossy(namespace: DurableObjectNamespace): DurableObjectNamespace {
  const seen = new Set<string>();
  return {
    idFromName: (name) => namespace.idFromName(name),
    get: (id) => {
      const object = namespace.get(id);
      return {
        fetch: async (url, init) => {
          const answer = await object.fetch(url, init);
          if (seen.has(url) || !url.includes("/compare-and-set")) return answer;
          seen.add(url);
          await answer.arrayBuffer();
          throw new Error("The connection to the object was lost");
        },
      };
    },
  };
}

const handler: { fetch(request: Request, env: Environment): Promise<Response> } = {
  fetch: async (request, env) => new Response(await (answer ??= serve(env))(await request.text())),
};

export { ClockedObject, handler as default, PlainObject, TokenStoreObject };
