/**
 * The rules of the house (docs/architecture.md), as functions from sources to complaints.
 *
 * @module
 */

import { order, roomOf, runsEverywhere } from "../scripts/rooms.ts";
import { importsOf, scan } from "./source_text.ts";

/** What runs everywhere may depend on these packages alone: whoever installs the SDK installs them with it. */
const sdkPackages: readonly string[] = ["oauth4webapi", "valibot"];

/** Names that only some runtimes have. */
const FOREIGN_NAME =
  /(?<![\w$.])(?:Deno|Bun|Buffer|__dirname|__filename)(?![\w$])|(?<![\w$])process\s*(?:\?\.|\.|\[)|(?<![\w$.])require\s*\(|\bimport\.meta\.env\b|\bglobalThis\s*(?:\?\.|\.)\s*(?:Deno|Bun|Buffer|process|require)(?![\w$])/g;

/** Everything that is wrong with one file of `mod.ts`, `cli.ts` and `lib/`, each complaint with its line. */
export function complaintsAbout(path: string, source: string): string[] {
  const complaints: string[] = [];
  const complain = (at: number, problem: string) =>
    complaints.push(`${path}:${source.slice(0, at).split("\n").length} ${problem}`);
  checkImports(path, source, complain);
  if (runsEverywhere(path)) checkForeignNames(source, complain);
  const lines = source.split("\n").length - 1;
  if (path.startsWith("lib/") && lines > 400) complain(0, `has ${lines} lines: a file is one concept`);
  return complaints;
}

type Complain = (at: number, problem: string) => void;

function checkImports(path: string, source: string, complain: Complain): void {
  const everywhere = runsEverywhere(path);
  const level = levelOf(path);
  if (level === undefined) complain(0, "is in a room that scripts/rooms.ts does not know");
  for (const { specifier, start } of importsOf(source)) {
    if (specifier === undefined) {
      // The one hand-over that no bundler may follow.
      if (path !== "mod.ts") complain(start, "imports what only the running program knows");
    } else if (/^(?:jsr|https?|npm|file):/.test(specifier)) {
      complain(start, `imports ${specifier}: write the name that deno.json gives it`);
    } else if (specifier.startsWith(".")) {
      const target = resolve(path, specifier);
      const targetLevel = levelOf(target);
      if (targetLevel === undefined) complain(start, `imports ${target}, which is no file of the package`);
      else if (level !== undefined && targetLevel > level) {
        complain(start, `imports ${target}: an arrow downwards`);
      }
      if (everywhere && !runsEverywhere(target)) {
        complain(start, `imports ${target}, which does not run everywhere`);
      }
    } else if (everywhere && !sdkPackages.includes(specifier.split("/")[0])) {
      complain(start, `imports ${specifier}, which does not run everywhere`);
    }
  }
}

/** How far down it is: 0 for the rooms at the top, the front doors below them all. */
function levelOf(path: string): number | undefined {
  if (path === "mod.ts" || path === "cli.ts") return order.length;
  const room = roomOf(path);
  const index = order.findIndex((rooms) => room !== undefined && rooms.includes(room));
  return index < 0 ? undefined : index;
}

function resolve(from: string, specifier: string): string {
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

function checkForeignNames(source: string, complain: Complain): void {
  const { code, strings } = scan(source);
  for (const match of code.matchAll(FOREIGN_NAME)) {
    complain(match.index, `mentions ${match[0].trim()}, which is not everywhere`);
  }
  for (const { start, end } of strings) {
    const text = source.slice(start, end);
    if (/^(?:node|bun|cloudflare|deno):/.test(text)) {
      complain(start, `mentions ${text}, which is not everywhere`);
    }
  }
  const reference = /^\/\/\/\s*<reference\b.*/m.exec(source);
  if (reference) complain(reference.index, `mentions ${reference[0]}: foreign types`);
}

/** What is wrong with the dependencies in `deno.json` and `deno.lock`. */
export function complaintsAboutDependencies(
  config: { readonly imports?: Readonly<Record<string, string>> },
  lock: {
    readonly jsr?: unknown;
    readonly remote?: unknown;
    readonly npm?: Readonly<Record<string, { readonly scripts?: boolean }>>;
  },
  withoutTheirScript: readonly string[],
): string[] {
  const complaints: string[] = [];
  for (const [name, target] of Object.entries(config.imports ?? {})) {
    if (!new RegExp(`^npm:${name}@\\d+\\.\\d+\\.\\d+(?:-[\\w.]+)?$`).test(target)) {
      complaints.push(
        `deno.json: ${name} is not the npm package of that name at one exact version: ${target}`,
      );
    }
  }
  for (const kind of ["jsr", "remote"] as const) {
    if (lock[kind] !== undefined) complaints.push(`deno.lock: has ${kind} modules`);
  }
  for (const [name, { scripts }] of Object.entries(lock.npm ?? {})) {
    const bare = name.slice(0, name.indexOf("@", 1));
    if (scripts && !withoutTheirScript.includes(bare)) {
      complaints.push(`deno.lock: ${name} wants an install script`);
    }
  }
  return complaints;
}

/** Where a test source leaves a test out: the count at the end would not tell. */
export function skippedTestsIn(path: string, source: string): string[] {
  const { code } = scan(source);
  const skips =
    /\b(?:it|test|describe|suite|t|context)\s*\.\s*(?:skip|todo|only)\b|[{,]\s*(?:skip|todo|only)\s*:/g;
  return [...code.matchAll(skips)].map((match) =>
    `${path}:${source.slice(0, match.index).split("\n").length} leaves a test out: ${match[0].trim()}`
  );
}
