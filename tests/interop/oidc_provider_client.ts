import * as oauth from "oauth4webapi";
import type { RunningProvider } from "./oidc_provider.ts";

export const insecure = { [oauth.allowInsecureRequests]: true };
export const device: oauth.Client = { client_id: "project-a-catalogue-dev-api" };
export const browser: oauth.Client = { client_id: "browser-client" };
export const none = oauth.None();
export const DEVICE_SCOPE = "openid profile offline_access roles storage.read:/";

export async function discover(provider: RunningProvider): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(provider.issuer);
  return await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
}

export async function startDevice(as: oauth.AuthorizationServer, parameters: Record<string, string> = {}) {
  const response = await oauth.deviceAuthorizationRequest(as, device, none, {
    scope: DEVICE_SCOPE,
    ...parameters,
  }, insecure);
  return await oauth.processDeviceAuthorizationResponse(as, device, response);
}

export async function pollDevice(as: oauth.AuthorizationServer, deviceCode: string) {
  const response = await oauth.deviceCodeGrantRequest(as, device, none, deviceCode, insecure);
  return await oauth.processDeviceCodeResponse(as, device, response);
}

export async function refresh(as: oauth.AuthorizationServer, token: string, client = device) {
  const response = await oauth.refreshTokenGrantRequest(as, client, none, token, insecure);
  return await oauth.processRefreshTokenResponse(as, client, response);
}

export async function signInOnDevice(provider: RunningProvider, as: oauth.AuthorizationServer) {
  const answer = await startDevice(as);
  await provider.approveDevice(answer.verification_uri_complete!);
  return await pollDevice(as, answer.device_code);
}

export function refusedWith(error: string) {
  return (thrown: unknown) => thrown instanceof oauth.ResponseBodyError && thrown.error === error;
}

/** An authorization URL for `browser-client`, with what is needed to finish the exchange. */
export async function authorizationUrl(as: oauth.AuthorizationServer, redirectUri: string) {
  const verifier = oauth.generateRandomCodeVerifier();
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  const url = new URL(as.authorization_endpoint!);
  url.search = new URLSearchParams({
    client_id: browser.client_id,
    redirect_uri: redirectUri,
    response_type: "code",
    scope: "openid email offline_access",
    prompt: "consent",
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
  }).toString();
  return { url: url.href, verifier, state, nonce };
}
