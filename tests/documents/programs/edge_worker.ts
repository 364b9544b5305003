// A Worker around the route of docs/examples/edge_route.ts, as a platform calls it. With the binding CACHE its tokens are
// in Cloudflare KV. Bundled and run by example_edge_route_test.ts.

import { catalogueRoute } from "../../../docs/examples/edge_route.ts";

interface Cache {
  get(name: string, type: "arrayBuffer"): Promise<ArrayBuffer | null>;
  put(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  delete(name: string): Promise<void>;
}

type Environment = Record<string, string> & { readonly CACHE?: Cache };

let route: ReturnType<typeof catalogueRoute> | undefined;

function routeOf({ CACHE: cache, ...env }: Environment): ReturnType<typeof catalogueRoute> {
  return catalogueRoute(
    env as Record<string, string>,
    cache && {
      get: (name) => cache.get(name, "arrayBuffer"),
      put: (name, bytes) => cache.put(name, bytes),
      delete: (name) => cache.delete(name),
    },
  );
}

const handler = {
  fetch: (
    request: Request,
    env: Environment,
    context: { waitUntil(work: Promise<unknown>): void },
  ): Promise<Response> => (route ??= routeOf(env))(request, context),
};

export { handler as default };
