/**
 * Whether this is an `oidc-token` that the compiled program can answer without loading the command line.
 *
 * @module
 */

import type { QuickBun, QuickOutcome } from "../agent/quick_token.ts";

interface Runtime {
  readonly Bun?: QuickBun & { readonly argv: readonly string[] };
  readonly process: { readonly argv0: string };
}

/** Prints the token if that is all there is to do. On the other runtimes it is their own start that takes the time. */
export async function fastToken(): Promise<QuickOutcome> {
  const { Bun, process } = globalThis as unknown as Runtime;
  if (!Bun) return undefined;
  const args = Bun.argv.slice(2);
  const isLink = process.argv0.slice(process.argv0.lastIndexOf("/") + 1) === "oidc-token";
  if (!isLink && args[0] !== "oidc-token") return undefined;
  const { quickToken } = await import("../agent/quick_token.ts");
  return await quickToken(Bun, isLink ? args : args.slice(1));
}
