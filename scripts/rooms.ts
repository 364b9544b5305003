/**
 * The rooms of `lib/` and the order of the arrows between them (docs/architecture.md).
 *
 * @module
 */

/** From the top to the bottom: a file imports from its own line and from the lines above it, never from below. */
export const order: readonly (readonly string[])[] = [
  ["bytes", "clock", "errors", "safe_text", "version"],
  ["http"],
  ["oauth"],
  ["store", "providers"],
  ["testing", "session"],
  // Everything above this line uses Web standards alone and runs everywhere.
  ["host"],
  ["profile"],
  ["agent"],
  ["cli"],
];

const everywhere: readonly string[] = order.slice(0, 5).flat();

/**
 * The room of a file.
 *
 * @param path from the root of the checkout, with forward slashes
 * @returns the folder under `lib/`, the name of a file that stands in `lib/` itself, or `undefined` outside of `lib/`
 */
export function roomOf(path: string): string | undefined {
  return /^lib\/([^/]+?)(?:\.ts$|\/)/.exec(path)?.[1];
}

/** Whether `path` must run everywhere: the SDK's front door and the rooms of Web standards. */
export function runsEverywhere(path: string): boolean {
  if (path === "mod.ts") return true;
  const room = roomOf(path);
  return room !== undefined && everywhere.includes(room);
}
