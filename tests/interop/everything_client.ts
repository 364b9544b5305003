import {
  type AuthorizationParameters,
  authorizationRequest,
  type Client,
  type Clock,
  discover,
  type Issuer,
  type SigningAlgorithm,
  type SigningKey,
  signingKey,
  systemClock,
  type TokenSet,
  unverifiedClaims,
  unverifiedHeader,
} from "../../mod.ts";
import type { Everything } from "./everything_provider.ts";

/** Where the browser is sent back to; nobody listens there. */
export const REDIRECT_URI = "https://client.example/callback";

/** A client with a web page. */
export const WEB_CLIENT = {
  redirect_uris: [REDIRECT_URI],
  response_types: ["code"],
  grant_types: ["authorization_code", "refresh_token"],
  token_endpoint_auth_method: "none",
  authorization_details_types: ["storage"],
};

/** A client that speaks for itself. */
export const SERVICE = {
  redirect_uris: [],
  response_types: [],
  grant_types: ["client_credentials"],
};

/** The provider as this package sees it. */
export function discovered(server: Everything, clock?: Clock): Promise<Issuer> {
  return discover(server.issuer, { allowInsecureLoopback: true, clock });
}

/** Signs in with a browser and redeems the code. */
export async function signIn(
  server: Everything,
  client: Client,
  parameters: Partial<AuthorizationParameters> = {},
): Promise<TokenSet> {
  const request = await authorizationRequest(await discovered(server), client, {
    redirectUri: REDIRECT_URI,
    scope: "openid profile offline_access",
    prompt: "consent",
    ...parameters,
  });
  return await request.redeem(await server.authorize(request.url));
}

/** A clock for a client that polls: a pause is over as soon as the step of that number is done. */
export function steppingClock(...steps: (() => unknown)[]): { clock: Clock; pauses: number[] } {
  const pauses: number[] = [];
  let ahead = 0;
  const clock: Clock = {
    ...systemClock,
    monotonic: () => systemClock.monotonic() + ahead,
    sleep: async (milliseconds, signal) => {
      // An exchange looks at its deadline every second; only the pauses between two of them are longer.
      if (milliseconds <= 1000) return await systemClock.sleep(milliseconds, signal);
      const step = steps[pauses.push(milliseconds) - 1];
      if (!step) throw new Error("The client asks once more than was expected");
      await step();
      ahead += milliseconds;
    },
  };
  return { clock, pauses };
}

/** A JWT as it was sent. */
export function decoded(jwt: string | null | undefined): {
  header: Record<string, unknown>;
  claims: Record<string, unknown>;
} {
  const [header, claims] = [unverifiedHeader(jwt ?? ""), unverifiedClaims(jwt ?? "")];
  if (!header || !claims) throw new Error("This is no JWT");
  return { header, claims };
}

const KEYS: Partial<Record<SigningAlgorithm, object>> = {
  ES256: { name: "ECDSA", namedCurve: "P-256" },
  EdDSA: { name: "Ed25519" },
  Ed25519: { name: "Ed25519" },
  RS256: {
    name: "RSASSA-PKCS1-v1_5",
    hash: "SHA-256",
    modulusLength: 2048,
    publicExponent: Uint8Array.of(1, 0, 1),
  },
  PS256: { name: "RSA-PSS", hash: "SHA-256", modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) },
};

/** A new private key as a person has it: a PKCS #8 PEM. */
export async function privateKeyPem(algorithm: SigningAlgorithm): Promise<string> {
  const parameters = KEYS[algorithm] as AlgorithmIdentifier;
  const pair = await crypto.subtle.generateKey(parameters, true, ["sign", "verify"]) as CryptoKeyPair;
  const bytes = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey));
  const text = btoa(String.fromCharCode(...bytes)).replace(/.{64}/g, "$&\n");
  return `-----BEGIN PRIVATE KEY-----\n${text}\n-----END PRIVATE KEY-----\n`;
}

/** A new key, and the JWK set to register it with. */
export async function registrableKey(
  algorithm: SigningAlgorithm,
): Promise<{ key: SigningKey; jwks: { keys: object[] } }> {
  const keyId = `${algorithm}-key`;
  const key = await signingKey(await privateKeyPem(algorithm), { algorithm, keyId });
  return { key, jwks: { keys: [{ ...key.publicJwk, alg: algorithm, kid: keyId, use: "sig" }] } };
}
