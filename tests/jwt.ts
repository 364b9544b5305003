import assert from "node:assert/strict";

const part = (text: string) => JSON.parse(atob(text.trim().replaceAll("-", "+").replaceAll("_", "/")));

/** The parts of a JWT, decoded and not checked. */
// deno-lint-ignore no-explicit-any
export function decoded(jwt: string): { header: any; claims: any } {
  const [header, claims] = jwt.split(".", 2).map(part);
  return { header, claims };
}

/** The claims of a JWT, not checked. */
// deno-lint-ignore no-explicit-any
export function claimsOf(jwt: string): any {
  return decoded(jwt).claims;
}

/**
 * Asserts that an end, in seconds, is one that a client may state for this token: it counts `expires_in` from before
 * it sent its request, so the end lies before the token's own `exp` by as long as the answer took, and never after.
 */
export function assertEndOf(jwt: string, end: unknown): void {
  const { exp } = claimsOf(jwt);
  const early = exp - Number(end);
  assert.ok(early >= 0 && early <= 15, `${end} for a token that ends at ${exp}`);
}
