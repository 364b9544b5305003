/**
 * The package in a Worker, with a Durable Object: `deno task npm:smoke` bundles this file in a project that has the
 * package installed, and runs it in workerd without Node's modules.
 *
 * @module
 */

import {
  type DurableObjectNamespace,
  durableObjectStore,
  TokenStoreObject,
} from "@apex/token/stores/durable-object";
import { test } from "./smoke_everywhere.ts";

interface Environment {
  readonly TOKENS: DurableObjectNamespace;
}

const handler: { test(controller: unknown, env: Environment): Promise<void> } = {
  test: (_controller, env) => test(durableObjectStore(env.TOKENS)),
};

export { handler as default, TokenStoreObject };
