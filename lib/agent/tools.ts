/**
 * The names of oidc-agent's command lines: links of these names lead to the one program.
 *
 * @module
 */

/** The names of the tools. */
export const OIDC_TOOLS = ["oidc-agent", "oidc-agent-service", "oidc-gen", "oidc-add", "oidc-token"] as const;

/** A tool. */
export type OidcTool = typeof OIDC_TOOLS[number];

/** The tool that a program's path or word names, if it names one. */
export function oidcToolNamed(path: string | undefined): OidcTool | undefined {
  const name = path?.slice(path.lastIndexOf("/") + 1);
  return OIDC_TOOLS.find((tool) => tool === name);
}
