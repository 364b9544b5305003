/**
 * How this program starts itself again, in the background or from a service manager.
 *
 * @module
 */

import process from "node:process";

/** The words that run `apex-token`; `args` follow. */
export function ownCommand(): string[] {
  const [, script = ""] = process.argv;
  const { Deno } = globalThis as { Deno?: { mainModule: string; execPath(): string } };
  if (Deno) return [Deno.execPath(), "run", "-A", Deno.mainModule];
  // Bun mounts what it compiled into a program there
  if (script.startsWith("/$bunfs/") || /^[A-Z]:[\\/]~BUN[\\/]/.test(script)) return [process.execPath];
  return [process.execPath, script];
}
