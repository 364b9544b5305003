const DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code";

/** A secret with characters that client_secret_basic has to form-encode (RFC 6749 section 2.3.1). */
export const SERVICE_SECRET = "s3cret:/+% odd";

/** The one user whose password the password grant accepts. Browser sign-ins take any user name. */
export const PASSWORD_USER: { username: string; password: string } = {
  username: "alice",
  password: "wonderland",
};

const withoutRedirects = { redirect_uris: [], response_types: [] };

/** Registered when a provider starts; entries of `options.clients` with the same `client_id` take their place. */
export const defaultClients: Record<string, unknown>[] = [
  {
    ...withoutRedirects,
    client_id: "project-a-catalogue-dev-api",
    token_endpoint_auth_method: "none",
    grant_types: [DEVICE_CODE, "refresh_token"],
  },
  {
    ...withoutRedirects,
    client_id: "apex-service",
    client_secret: SERVICE_SECRET,
    token_endpoint_auth_method: "client_secret_basic",
    grant_types: ["client_credentials"],
  },
  {
    ...withoutRedirects,
    client_id: "apex-service-post",
    client_secret: SERVICE_SECRET,
    token_endpoint_auth_method: "client_secret_post",
    grant_types: ["client_credentials"],
  },
  {
    client_id: "browser-client",
    application_type: "native", // RFC 8252 section 7.3: any port on a loopback redirect URI
    token_endpoint_auth_method: "none",
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    redirect_uris: loopbackRedirects(["", "/", "/callback", "/redirect", "/oauth/callback"]),
  },
  {
    ...withoutRedirects,
    client_id: "password-client",
    token_endpoint_auth_method: "none",
    grant_types: ["password", "refresh_token"],
  },
];

function loopbackRedirects(paths: string[]): string[] {
  const origins = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
  return origins.flatMap((origin) => paths.map((path) => origin + path));
}

/** The default clients with the given ones added or put in place. */
export function mergeClients(given: object[] = []): object[] {
  const clients = new Map<unknown, object>(defaultClients.map((client) => [client.client_id, client]));
  for (const client of given) clients.set((client as { client_id: string }).client_id, client);
  return [...clients.values()];
}
