/**
 * What the agent says about itself.
 *
 * @module
 */

import { safeText } from "../safe_text.ts";
import { version } from "../version.ts";
import type { AgentOptions } from "./agent_options.ts";

/** What there is to say. */
export interface AgentStatus {
  readonly options: AgentOptions;
  readonly loaded: readonly string[];
}

/** For people, as `oidc-agent --status` prints it. */
export function statusText({ options, loaded }: AgentStatus): string {
  const rows: readonly (readonly [string, unknown])[] = [
    ["Lifetime:\t\t", options.lifetime ? `${options.lifetime} seconds` : "Forever"],
    ["Confirm:\t\t", options.confirm ?? false],
    ["Autoload:\t\t", options.autoload ?? true],
    ["Auto Re-authenticate:\t", options.reauthenticate ?? true],
    ["Use custom URI scheme:\t", options.customScheme ?? true],
    ["Webserver:\t\t", options.webserver ?? true],
    ["Allow ID-Token:\t\t", options.alwaysAllowIdToken ?? false],
    ["Group:\t\t\t", options.group ?? false],
    ["Daemon:\t\t\t", true],
  ];
  const names = loaded.map((name) => safeText(name, 200));
  return [
    "####################################",
    "##       oidc-agent status        ##",
    "####################################",
    "",
    `This agent is running version ${version} of apex-token.`,
    "",
    "This agent was started with the following options:",
    ...rows.map(([title, value]) => `${title}${value}`),
    "",
    `Currently there are ${names.length} accounts loaded: ${names.join(", ")}`,
    "",
  ].join("\n");
}

/** For programs, as `oidc-agent --status --json` prints it. */
export function statusJson({ options, loaded }: AgentStatus): Record<string, unknown> {
  return {
    version,
    command_line_options: {
      lifetime: options.lifetime ?? 0,
      confirm: options.confirm ?? false,
      autoload: options.autoload ?? true,
      auto_reauthenticate: options.reauthenticate ?? true,
      custom_uri_scheme: options.customScheme ?? true,
      webserver: options.webserver ?? true,
      always_allow_idtoken: options.alwaysAllowIdToken ?? false,
      group: options.group ?? "",
    },
    loaded_accounts: loaded,
  };
}
