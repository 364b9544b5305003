/**
 * DPoP proofs (RFC 9449 section 4.3) and the nonces that go with them (sections 8 and 9).
 *
 * @module
 */

import { randomText, sha256, thumbprint } from "./bytes.ts";
import { type Call, seconds } from "./call.ts";
import { ASYMMETRIC_ALGORITHMS, isObject, isSignedBy, parseJwt } from "./jwt.ts";
import type { State } from "./state.ts";

/** What is wrong with a proof. */
export interface ProofFault {
  readonly error: "invalid_dpop_proof" | "use_dpop_nonce";
  readonly description: string;
}

/** What came of looking for a proof: the thumbprint of its key, a fault, or neither when there is none. */
export interface ProofResult {
  readonly jkt?: string;
  readonly fault?: ProofFault;
}

/** How far `iat` may be from the server's time, in seconds. */
const FRESH = 300;

/**
 * Checks the proof of a request.
 *
 * @param where whose nonces it must carry
 * @param accessToken the token that `ath` must belong to
 */
export async function checkProof(
  call: Call,
  where: "server" | "resource",
  accessToken?: string,
): Promise<ProofResult> {
  const { state, request, url } = call;
  const header = request.headers.get("dpop");
  if (header === null || !state.flavor.supports.dpop) return {};
  const invalid = (description: string): ProofResult => ({
    fault: { error: "invalid_dpop_proof", description },
  });
  const jwt = parseJwt(header);
  if (jwt === undefined) return invalid("The DPoP header is not one JWT");
  const { alg, typ, jwk, crit } = jwt.header;
  if (typ !== "dpop+jwt" || crit !== undefined) return invalid("typ must be dpop+jwt, without crit");
  if (!ASYMMETRIC_ALGORITHMS.includes(String(alg))) return invalid("alg must be an asymmetric one");
  if (!isObject(jwk) || "d" in jwk || "k" in jwk) return invalid("jwk must be a public key");
  const { htm, htu, iat, jti, ath, nonce } = jwt.claims;
  if (htm !== request.method) return invalid("htm is not the method");
  if (htu !== url.origin + url.pathname) return invalid("htu is not the URL without query and fragment");
  if (typeof iat !== "number" || Math.abs(iat - seconds(state)) > FRESH) return invalid("iat is not now");
  if (typeof jti !== "string" || jti === "") return invalid("jti is missing");
  if (accessToken !== undefined && ath !== await sha256(accessToken)) {
    return invalid("ath is not the hash of the access token");
  }
  if (!await isSignedBy(jwt, jwk)) return invalid("The signature is not that of jwk");
  const jkt = await thumbprint(jwk);
  if (jkt === undefined) return invalid("jwk is of an unknown type");
  if (state.settings.requireDpopNonce && !state.nonces[where].includes(String(nonce))) {
    return { fault: { error: "use_dpop_nonce", description: "The proof needs the nonce of this answer" } };
  }
  // No await from here: of two requests with one proof, one is the replay.
  if (state.seen.has(`proof ${jti}`)) return invalid("The proof was used before");
  state.seen.add(`proof ${jti}`);
  return { jkt };
}

/** The newest nonce of `where`, as the header of an answer; none when nonces are not asked for. */
export function nonceHeader(state: State, where: "server" | "resource"): Record<string, string> {
  const nonce = state.nonces[where].at(-1);
  return state.settings.requireDpopNonce && nonce !== undefined ? { "dpop-nonce": nonce } : {};
}

/** Makes new nonces. The ones before stay good, so that a client has the next 200 to learn the new one from. */
export function renewNonces(state: State): void {
  for (const nonces of [state.nonces.server, state.nonces.resource]) {
    nonces.push(randomText());
    if (nonces.length > 2) nonces.shift();
  }
}
