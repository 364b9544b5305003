/**
 * How each library gets a token as a service: what its documentation tells a user to write.
 *
 * Runs on Deno, Bun and Node. The peers are imported by a name that the type checker does not follow: they are
 * installed for the bench alone, and a check of the whole checkout must not need them.
 *
 * @module
 */

import { clientCredentials, clientSecretPost, issuerFromMetadata, tokenSource } from "../../../mod.ts";
import { US } from "../table.ts";

/** A program's own token client, ready to be asked. */
export interface TokenClient {
  /** A token for the client, of a scope if one is given. */
  get(scope?: string): Promise<unknown>;
}

/** A library. */
export interface Library {
  /** Whether it keeps tokens. */
  readonly keeps: boolean;
  /** Makes a client of the server at `issuer`; asks for no token yet. */
  make(issuer: string): Promise<TokenClient>;
}

const ID = "bench";
const SECRET = "bench-secret";

/** This package and its peers, by their names on npm. */
export const libraries: Readonly<Record<string, Library>> = {
  [US]: { keeps: true, make: (issuer) => Promise.resolve(apexToken(issuer)) },
  "google-auth-library": { keeps: true, make: google },
  "@badgateway/oauth2-client": { keeps: true, make: badgateway },
  "@azure/msal-node": { keeps: true, make: msal },
  "openid-client": { keeps: false, make: openidClient },
  "simple-oauth2": { keeps: false, make: simpleOauth2 },
};

/** How many token requests the server at `issuer` has seen. */
export async function requestsTo(issuer: string): Promise<number> {
  return await (await fetch(`${issuer}/requests`)).json();
}

function apexToken(issuer: string): TokenClient {
  const metadata = { issuer, token_endpoint: `${issuer}/token` };
  const server = issuerFromMetadata(metadata, { allowInsecureLoopback: true });
  const client = { clientId: ID, authentication: clientSecretPost(SECRET) };
  const source = tokenSource(server, client, clientCredentials());
  return { get: (scope) => source.get(scope === undefined ? undefined : { scope }) };
}

/** It has no client credentials of its own; a refresh token is what it keeps tokens for. */
async function google(issuer: string): Promise<TokenClient> {
  const { OAuth2Client } = await peer<{
    OAuth2Client: new (options: unknown) => {
      setCredentials(credentials: unknown): void;
      getAccessToken(): Promise<unknown>;
    };
  }>("google-auth-library");
  const endpoints = { oauth2TokenUrl: `${issuer}/token` };
  const client = new OAuth2Client({ clientId: ID, clientSecret: SECRET, endpoints });
  client.setCredentials({ refresh_token: "refresh-token" });
  return { get: () => client.getAccessToken() };
}

async function badgateway(issuer: string): Promise<TokenClient> {
  const { OAuth2Client, OAuth2Fetch } = await peer<{
    OAuth2Client: new (options: unknown) => { clientCredentials(): Promise<unknown> };
    OAuth2Fetch: new (options: unknown) => { getAccessToken(): Promise<string> };
  }>("@badgateway/oauth2-client");
  const client = new OAuth2Client({
    server: issuer,
    clientId: ID,
    clientSecret: SECRET,
    tokenEndpoint: `${issuer}/token`,
  });
  const wrapper = new OAuth2Fetch({ client, getNewToken: () => client.clientCredentials() });
  return { get: () => wrapper.getAccessToken() };
}

/** It talks to `https` alone, so its network client carries each request over to loopback. */
async function msal(issuer: string): Promise<TokenClient> {
  const { ConfidentialClientApplication } = await peer<{
    ConfidentialClientApplication: new (options: unknown) => {
      acquireTokenByClientCredential(request: { scopes: string[] }): Promise<unknown>;
    };
  }>("@azure/msal-node");
  const { origin } = new URL(issuer);
  const authority = issuer.replace(origin, "https://bench.example");
  const send = (method: string) => async (url: string, options: { headers?: HeadersInit; body?: string }) => {
    const { headers, body } = options ?? {};
    const answer = await fetch(url.replace("https://bench.example", origin), { method, headers, body });
    const text = (await answer.text()).replaceAll(origin, "https://bench.example");
    return { status: answer.status, headers: Object.fromEntries(answer.headers), body: JSON.parse(text) };
  };
  const application = new ConfidentialClientApplication({
    auth: { clientId: ID, clientSecret: SECRET, authority, knownAuthorities: ["bench.example"] },
    system: {
      protocolMode: "OIDC",
      networkClient: { sendGetRequestAsync: send("GET"), sendPostRequestAsync: send("POST") },
    },
  });
  return { get: (scope = "api") => application.acquireTokenByClientCredential({ scopes: [scope] }) };
}

async function openidClient(issuer: string): Promise<TokenClient> {
  const library = await peer<{
    Configuration: new (server: unknown, clientId: string, secret: string) => unknown;
    allowInsecureRequests(configuration: unknown): void;
    clientCredentialsGrant(configuration: unknown): Promise<unknown>;
  }>("openid-client");
  const server = { issuer, token_endpoint: `${issuer}/token` };
  const configuration = new library.Configuration(server, ID, SECRET);
  library.allowInsecureRequests(configuration);
  return { get: () => library.clientCredentialsGrant(configuration) };
}

async function simpleOauth2(issuer: string): Promise<TokenClient> {
  const { ClientCredentials } = await peer<{
    ClientCredentials: new (options: unknown) => { getToken(parameters: unknown): Promise<unknown> };
  }>("simple-oauth2");
  const { origin, pathname } = new URL(issuer);
  const client = new ClientCredentials({
    client: { id: ID, secret: SECRET },
    auth: { tokenHost: origin, tokenPath: `${pathname}/token` },
  });
  return { get: () => client.getToken({}) };
}

function peer<T>(name: string): Promise<T> {
  return import(name);
}
