import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { AccessDenied } from "oidc-provider/lib/helpers/errors.js";
// Not the package's entry, which greets every runtime but Node.js with a warning on the console.
import { Provider } from "oidc-provider/lib/provider.js";
import { type Certificates, makeCertificates } from "../hostile/certificates.ts";
import { browse, type Visit } from "./browser.ts";
import { type BackchannelRequest, everyFeature } from "./everything_features.ts";
import { startTlsFront } from "./everything_tls.ts";
import { registerTokenExchange } from "./everything_token_exchange.ts";
import { providerConfiguration, signingKeys } from "./provider_configuration.ts";
import { interactionPages } from "./provider_interactions.ts";
import { type ProviderStorage, storageAdapter } from "./provider_storage.ts";
import type { Exchange, Middleware, ProviderInstance } from "./provider_types.ts";

/** One request as the provider saw it. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The form of a POST, the query of anything else; complete once the request was answered. */
  parameters: URLSearchParams;
  /** The JSON that was sent, if it was JSON. */
  json?: Record<string, unknown>;
  status?: number;
}

/** A real oidc-provider in this process that has everything on. */
export interface Everything {
  readonly issuer: string;
  /** Where its endpoints take a client certificate. */
  readonly mutualTlsOrigin: string;
  readonly certificates: Certificates;
  /** What the provider threw without meaning to; empty in a test that went as planned. */
  readonly faults: Error[];
  /** The requests for a path that ends so, in order; of one grant type if given. */
  seen(path: string, grantType?: string): SeenRequest[];
  /** The last of them. */
  last(path: string): SeenRequest;
  /** What the provider keeps under an identifier, for example an opaque access token in the model `AccessToken`. */
  kept(model: string, id: string | undefined): Record<string, unknown> | undefined;
  /** Adds a client, as an operator would, and returns its identifier. */
  addClient(metadata: Record<string, unknown>): string;
  /** Signs in and consents; returns where the browser is sent, without opening it. */
  authorize(url: string, person?: { user?: string; deny?: boolean }): Promise<string>;
  /** Opens a page, does what it asks for, and tells where that ended. */
  visit(url: string): Promise<Visit>;
  /** The person says yes, or no, to the newest request that came over the backchannel. */
  answerBackchannel(answer: "yes" | "no"): Promise<BackchannelRequest>;
  close(): Promise<void>;
}

/** The part of the provider that is used here and nowhere else. */
interface FullProvider extends ProviderInstance {
  backchannelResult(request: BackchannelRequest, result: string | Error): Promise<void>;
}

const MUTUAL_TLS_METHODS = ["tls_client_auth", "self_signed_tls_client_auth"];
const METHODS = ["none", "client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"];

/** Starts it on two free ports of 127.0.0.1: one for plain HTTP, one for mutual TLS. */
export async function startEverything(): Promise<Everything> {
  const requests: SeenRequest[] = [];
  const faults: Error[] = [];
  const waiting: BackchannelRequest[] = [];
  const storage: ProviderStorage = new Map();
  const clients = storageAdapter(storage)("Client");
  const certificates = makeCertificates();
  const server = createServer();
  const port = await listen(server);
  const issuer = `http://127.0.0.1:${port}`;
  const front = await startTlsFront(port, certificates.good, certificates.authority);

  const features = everyFeature({
    peerOf: ({ req }) => front.peerOf(req),
    askPerson: (request) => void waiting.push(request),
  });
  const surroundings = { storage, mountPath: "", audienceOfGrant: new Map(), jwks: await signingKeys() };
  const provider = new Provider(issuer, {
    ...providerConfiguration({ features }, surroundings),
    clientAuthMethods: [...METHODS, ...MUTUAL_TLS_METHODS],
    discovery: { mtls_endpoint_aliases: aliases(front.origin) },
  }) as FullProvider;
  provider.on("server_error", (_exchange, fault) => faults.push(fault as Error));
  provider.on("error", (fault) => faults.push(fault as Error));
  provider.use(recordRequests(requests));
  provider.use(interactionPages(provider, () => {}));
  registerTokenExchange(provider);
  server.on("request", provider.callback());

  const seen = (path: string, grantType?: string) =>
    requests.filter((request) =>
      request.path.endsWith(path) &&
      (grantType === undefined || request.parameters.get("grant_type") === grantType)
    );
  return {
    issuer,
    mutualTlsOrigin: front.origin,
    certificates,
    faults,
    seen,
    last: (path) => {
      const request = seen(path).at(-1);
      if (!request) throw new Error(`Nobody has asked for ${path}`);
      return request;
    },
    kept: (model, id) => storage.get(model)?.get(id ?? ""),
    addClient: (metadata) => {
      const client_id = crypto.randomUUID();
      clients.upsert(client_id, { ...metadata, client_id });
      return client_id;
    },
    async authorize(url, { user = "alice", deny = false } = {}) {
      const visit = await browse(url, { user, deny });
      if (visit.left === undefined) throw new Error(`Cannot authorize: "${visit.text}" (${visit.status})`);
      return visit.left;
    },
    visit: (url) => browse(url, { user: "alice", deny: false }),
    async answerBackchannel(answer) {
      const request = waiting.pop();
      if (!request) throw new Error("Nobody has asked over the backchannel");
      const { accountId, clientId, scope } = request;
      const grant = new provider.Grant({ accountId, clientId });
      grant.addOIDCScope(scope);
      await provider.backchannelResult(request, answer === "yes" ? await grant.save() : new AccessDenied());
      return request;
    },
    async close() {
      await front.close();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

/** RFC 8705 section 5. The first two are opened by a browser, which has no certificate: to be ignored. */
function aliases(origin: string): Record<string, string> {
  return {
    authorization_endpoint: `${origin}/auth`,
    end_session_endpoint: `${origin}/session/end`,
    token_endpoint: `${origin}/token`,
    pushed_authorization_request_endpoint: `${origin}/request`,
    introspection_endpoint: `${origin}/token/introspection`,
    revocation_endpoint: `${origin}/token/revocation`,
    userinfo_endpoint: `${origin}/me`,
  };
}

function recordRequests(requests: SeenRequest[]): Middleware {
  return async (exchange, next) => {
    const headers = Object.entries(exchange.req.headers).map((
      [name, value],
    ) => [name, [value ?? ""].flat().join()]);
    const { method, path } = exchange;
    const seen: SeenRequest = {
      method,
      path,
      headers: Object.fromEntries(headers),
      parameters: new URLSearchParams(),
    };
    requests.push(seen);
    try {
      await next();
      seen.status = exchange.status;
    } catch (error) {
      seen.status = (error as { status?: number }).status ?? 500;
      throw error;
    } finally {
      keepBody(seen, exchange);
    }
  };
}

function keepBody(seen: SeenRequest, { method, query, oidc }: Exchange): void {
  const body = method === "GET" || method === "DELETE" ? query : oidc?.body ?? {};
  if (seen.headers["content-type"]?.startsWith("application/json")) return void (seen.json = body);
  const pairs = Object.entries(body).flatMap(([name, value]) => [value].flat().map((one) => [name, one]));
  seen.parameters = new URLSearchParams(pairs);
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}
