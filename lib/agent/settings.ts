/**
 * The `config` file of oidc-agent 5: one section for each tool.
 *
 * @module
 */

import { join } from "node:path";
import type { Host } from "../host/host.ts";
import { readSharedFile } from "../host/shared_files.ts";
import { oidcDirectory, systemOidcDirectory } from "./oidc_directory.ts";

/** The longest of these files, in bytes. */
const LIMIT = 256 * 1024;

/** By section and key. What is missing has the default of whoever asks. */
export type Settings = Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;

/** The machine's settings, and this person's own above them. A file that cannot be read says nothing. */
export function settings(host: Host): Settings {
  const own = host.environment("OIDC_USER_CONFIG") ?? join(oidcDirectory(host), "config");
  const files = [join(systemOidcDirectory(host), "config"), own].map(sections);
  const names = new Set(files.flatMap((file) => Object.keys(file)));
  return Object.fromEntries(
    [...names].map((name) => [name, Object.assign({}, ...files.map((file) => file[name]))]),
  );
}

function sections(path: string): Settings {
  if (path === "/dev/null") return {};
  const bytes = readSharedFile(path, { limit: LIMIT });
  if (!bytes) return {};
  const lines = new TextDecoder().decode(bytes).split("\n").filter((line) => !/^\s*#/.test(line));
  try {
    const value: unknown = JSON.parse(lines.join("\n"));
    return typeof value === "object" && value !== null ? value as Settings : {};
  } catch {
    return {};
  }
}
