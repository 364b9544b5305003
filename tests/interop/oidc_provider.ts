import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
// Not the package's entry, which greets every runtime but Node.js with a warning on the console.
import { Provider } from "oidc-provider/lib/provider.js";
import { browse } from "./browser.ts";
import { type ConfigurationOptions, providerConfiguration, signingKeys } from "./provider_configuration.ts";
import { interactionPages } from "./provider_interactions.ts";
import { registerPasswordGrant } from "./provider_password_grant.ts";
import { forgetGrants, type ProviderStorage } from "./provider_storage.ts";
import type { Middleware, ProviderInstance } from "./provider_types.ts";

export { PASSWORD_USER, SERVICE_SECRET } from "./provider_clients.ts";
export { DEFAULT_RESOURCE } from "./provider_configuration.ts";

/** One request as the provider saw it. */
export interface SeenRequest {
  readonly method: string;
  /** The path on the wire, with the issuer's path. */
  readonly path: string;
  readonly headers: Record<string, string>;
  /** The form of a POST, the query of anything else; complete once the request was answered. */
  parameters: URLSearchParams;
  grantType?: string;
  /** Absent while the request is being answered, and when the socket was closed instead. */
  status?: number;
}

/** A real oidc-provider that runs in this process on a loopback port. */
export interface RunningProvider {
  readonly issuer: string;
  /** Where it listens, on 127.0.0.1. */
  readonly port: number;
  /** The requests seen, in order, those of the browser driver included. */
  readonly requests: SeenRequest[];
  /** What the provider threw without meaning to; empty in a test that went as planned. */
  readonly faults: Error[];
  /** How many requests came in, for a path (`/token`, with or without the issuer's path) and a grant type if given. */
  count(path?: string, grantType?: string): number;
  /** Does at the device page what a person does; `userCode` is for an address that does not carry the code. */
  approveDevice(
    verificationUri: string,
    options?: { user?: string; deny?: boolean; userCode?: string },
  ): Promise<void>;
  /** Signs in and consents, opens the redirect URI it is sent to unless `deliver` is false, and returns that URL. */
  authorize(url: string, options?: { user?: string; deny?: boolean; deliver?: boolean }): Promise<string>;
  /** Forgets every grant: each refresh token gives `invalid_grant` afterwards. */
  revokeGrants(): Promise<void>;
  /** Answers 503 to everything (true), closes each connection unanswered ("closed"), or works again (false). */
  setDown(down: boolean | "closed"): void;
  close(): Promise<void>;
}

export interface ProviderOptions extends ConfigurationOptions {
  /** The path of the issuer, for example `/realms/apex`; none by default. */
  path?: string;
  /** Whether the issuer ends in a slash; false by default. */
  trailingSlash?: boolean;
  /** The origin under which it is reached through something that ends TLS for it, for example `https://op.example`. */
  publicOrigin?: string;
  /** Seconds in the device authorization response; oidc-provider itself sends no `interval`, and none is the default. */
  interval?: number;
}

/** Starts an oidc-provider on a free port of 127.0.0.1. It writes nothing to the console. */
export async function startProvider(options: ProviderOptions = {}): Promise<RunningProvider> {
  const mountPath = (options.path ?? "").replace(/\/+$/, "");
  const requests: SeenRequest[] = [];
  const faults: Error[] = [];
  const storage: ProviderStorage = new Map();
  const audienceOfGrant = new Map<string, string>();
  let down: boolean | "closed" = false;
  const server = createServer();
  const port = await listen(server);
  const origin = options.publicOrigin ?? `http://127.0.0.1:${port}`;
  const issuer = origin + mountPath + (options.trailingSlash ? "/" : "");

  const surroundings = { storage, mountPath, audienceOfGrant, jwks: await signingKeys() };
  const provider = new Provider(issuer, providerConfiguration(options, surroundings)) as ProviderInstance;
  const onGrant = (grantId: string, { audience }: Record<string, string | undefined>) => {
    if (audience) audienceOfGrant.set(grantId, audience);
  };
  // what stands in front of it says so in a header, which is set below
  if (options.publicOrigin) Object.assign(provider, { proxy: true });
  provider.on("server_error", (_exchange, fault) => faults.push(fault as Error));
  provider.on("error", (fault) => faults.push(fault as Error));
  provider.use(recordRequests(requests, mountPath));
  provider.use(interactionPages(provider, onGrant));
  provider.use(addInterval(options.interval));
  registerPasswordGrant(provider, onGrant);
  const answer = provider.callback();
  server.on("request", (request, response) => {
    if (options.publicOrigin) request.headers["x-forwarded-proto"] = "https";
    if (down !== false) refuse(request, response, down, requests);
    else if (mount(request, mountPath)) answer(request, response);
    else response.writeHead(404).end();
  });

  return {
    issuer,
    port,
    requests,
    faults,
    count: (path, grantType) =>
      requests.filter((request) =>
        (path === undefined || request.path === path || request.path === mountPath + path) &&
        (grantType === undefined || request.grantType === grantType)
      ).length,
    async approveDevice(verificationUri, { user = "alice", deny = false, userCode } = {}) {
      const visit = await browse(verificationUri, { user, deny, userCode });
      const wanted = deny ? "aborted" : "success";
      if (visit.left !== undefined) throw new Error(`Cannot approve the device: sent away to ${visit.left}`);
      if (visit.outcome !== wanted) throw new Error(`Cannot approve the device: "${visit.text}"`);
    },
    async authorize(url, { user = "alice", deny = false, deliver = true } = {}) {
      const visit = await browse(url, { user, deny });
      if (visit.left === undefined) throw new Error(`Cannot authorize: "${visit.text}" (${visit.status})`);
      if (deliver) await (await globalThis.fetch(visit.left, { redirect: "manual" })).body?.cancel();
      return visit.left;
    },
    revokeGrants: () => Promise.resolve(forgetGrants(storage)),
    setDown: (value) => void (down = value),
    close: () => close(server),
  };
}

/** Makes the request look as if the provider were at the root; oidc-provider finds the rest in `originalUrl`. */
function mount(request: IncomingMessage, mountPath: string): boolean {
  const url = request.url ?? "/";
  const metadata = "/.well-known/oauth-authorization-server";
  const { pathname } = new URL(url, "http://127.0.0.1");
  Object.assign(request, { originalUrl: url });
  if (mountPath !== "" && pathname === metadata + mountPath) { // RFC 8414 section 3.1
    request.url = metadata;
    return true;
  }
  if (mountPath !== "" && !pathname.startsWith(`${mountPath}/`)) return false;
  request.url = url.slice(mountPath.length);
  return true;
}

function recordRequests(requests: SeenRequest[], mountPath: string): Middleware {
  return async (exchange, next) => {
    const seen = seenRequest(exchange.req, mountPath + exchange.path);
    requests.push(seen);
    try {
      await next();
      seen.status = exchange.status;
    } catch (error) {
      seen.status = (error as { status?: number }).status ?? 500;
      throw error;
    } finally {
      const isPost = exchange.method === "POST";
      seen.parameters = formParameters((isPost ? exchange.oidc?.body : exchange.query) ?? {});
      if (isPost) seen.grantType = seen.parameters.get("grant_type") ?? undefined;
    }
  };
}

function seenRequest(request: IncomingMessage, path: string): SeenRequest {
  const headers = Object.entries(request.headers).map((
    [name, value],
  ) => [name, [value ?? ""].flat().join(", ")]);
  return {
    method: request.method ?? "GET",
    path,
    headers: Object.fromEntries(headers),
    parameters: new URLSearchParams(),
  };
}

function formParameters(values: Record<string, string | string[]>): URLSearchParams {
  const pairs = Object.entries(values).flatMap(([name, value]) => [value].flat().map((one) => [name, one]));
  return new URLSearchParams(pairs);
}

function addInterval(interval: number | undefined): Middleware {
  return async (exchange, next) => {
    await next();
    const body = exchange.body;
    if (interval !== undefined && typeof body === "object" && body !== null && "device_code" in body) {
      exchange.body = { ...body, interval };
    }
  };
}

async function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  how: true | "closed",
  requests: SeenRequest[],
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://127.0.0.1");
  const seen = seenRequest(request, pathname);
  requests.push(seen);
  let text = "";
  for await (const chunk of request) text += new TextDecoder().decode(chunk as Uint8Array);
  seen.parameters = request.method === "POST" ? new URLSearchParams(text) : searchParams;
  seen.grantType = seen.parameters.get("grant_type") ?? undefined;
  if (how === "closed") return void request.socket.destroy();
  seen.status = 503;
  response.writeHead(503, { "content-type": "text/plain" }).end("Service Unavailable");
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve()); // an error only says that it was closed before
    server.closeAllConnections();
  });
}
