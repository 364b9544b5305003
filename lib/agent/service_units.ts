/**
 * The agent as a service of this person's session: a unit for systemd, an agent for launchd.
 *
 * @module
 */

import { homedir } from "node:os";
import type { Host } from "../host/host.ts";
import { ownCommand } from "./own_command.ts";

/** A file to install, and the command that turns it on. */
export interface ServiceUnit {
  readonly path: string;
  readonly text: string;
  readonly enable: string;
}

const LABEL = "org.apex-token.agent";

/** The unit for this system; nothing where it has neither. */
export function serviceUnit(host: Host, command: readonly string[] = ownCommand()): ServiceUnit | undefined {
  const home = host.environment("HOME") ?? homedir();
  if (host.platform === "darwin") {
    const path = `${home}/Library/LaunchAgents/${LABEL}.plist`;
    return { path, text: launchdAgent(command), enable: `launchctl bootstrap gui/$(id -u) ${path}` };
  }
  if (host.platform !== "linux") return undefined;
  const config = host.environment("XDG_CONFIG_HOME") ?? `${home}/.config`;
  return {
    path: `${config}/systemd/user/apex-token-agent.service`,
    text: systemdUnit(command),
    enable: "systemctl --user enable --now apex-token-agent.service",
  };
}

/** A unit for `systemd --user`. */
export function systemdUnit(command: readonly string[]): string {
  return `[Unit]
Description=Tokens for OpenID Connect accounts (apex-token agent)
Documentation=https://jsr.io/@apex/token

[Service]
ExecStart=${[...command, "agent", "run"].map(systemdWord).join(" ")}
Restart=on-failure
NoNewPrivileges=yes
LimitCORE=0
UMask=0077

[Install]
WantedBy=default.target
`;
}

/** A word of `ExecStart` (systemd.service(5), "Command lines"). */
function systemdWord(word: string): string {
  const safe = word.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("%", "%%").replaceAll(
    "$",
    "$$$$",
  );
  return /^[\w./:@=+-]+$/.test(word) ? word : `"${safe}"`;
}

/** An agent for launchd. */
export function launchdAgent(command: readonly string[]): string {
  const words = [...command, "agent", "run"].map((word) => `    <string>${xml(word)}</string>`).join("\n");
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${LABEL}</string>
  <key>ProgramArguments</key>
  <array>
${words}
  </array>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>Umask</key>
  <integer>63</integer>
</dict>
</plist>
`;
}

function xml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
