/**
 * The names of oidc-agent's command lines: links of these names lead to the one program.
 *
 * @module
 */

/** The names of the tools. */
export const OIDC_TOOLS = [
  "oidc-agent",
  "oidc-agent-service",
  "oidc-gen",
  "oidc-add",
  "oidc-token",
  "oidc-keychain",
] as const;

/** What oidc-agent has besides, and this program has not: each says what to do in its place. No links are made. */
export const MISSING_TOOLS = ["oidc-tokensh", "oidc-prompt"] as const;

/** A tool. */
export type OidcTool = typeof OIDC_TOOLS[number] | typeof MISSING_TOOLS[number];

/** The tool that a program's path or word names, if it names one. */
export function oidcToolNamed(path: string | undefined): OidcTool | undefined {
  const name = path?.slice(path.lastIndexOf("/") + 1);
  return [...OIDC_TOOLS, ...MISSING_TOOLS].find((tool) => tool === name);
}
