/**
 * The JSON of an account as oidc-agent prints it.
 *
 * @module
 */

/** What this program remembers in an account is no business of whoever reads `oidc-gen -p`. */
export function isOurs(member: string): boolean {
  return member === "apex_token";
}

/** An object with a member a line, tabs, and lists in one line. */
export function cjsonText(value: Readonly<Record<string, unknown>>, depth = 1): string {
  const indent = "\t".repeat(depth);
  const members = Object.entries(value).map(([name, one]) =>
    `${indent}${JSON.stringify(name)}:\t${shown(one, depth)}`
  );
  return members.length === 0 ? "{\n}" : `{\n${members.join(",\n")}\n${"\t".repeat(depth - 1)}}`;
}

function shown(value: unknown, depth: number): string {
  if (Array.isArray(value)) return `[${value.map((one) => shown(one, depth)).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    return cjsonText(value as Record<string, unknown>, depth + 1);
  }
  return JSON.stringify(value);
}
