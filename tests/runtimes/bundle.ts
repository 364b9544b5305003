/**
 * Bundles a program of a user of this package.
 *
 * @module
 */

import { build, type Plugin, stop } from "esbuild";
import { readFileSync } from "node:fs";
import { root } from "../../scripts/toolchain.ts";

/** How to bundle. */
export interface BundleOptions {
  /** The user's own file. */
  readonly entry: string;
  readonly outfile: string;
  readonly format?: "esm" | "cjs";
  /** What the program finds under a name that it declares. */
  readonly define?: Readonly<Record<string, string>>;
  readonly minify?: boolean;
}

/** Bundles `entry` with everything that it imports. Returns the paths of what went in. */
export async function bundle(options: BundleOptions): Promise<string[]> {
  try {
    const { metafile, errors } = await build({
      entryPoints: [options.entry],
      outfile: options.outfile,
      bundle: true,
      platform: "neutral",
      // A neutral bundle looks at no field of a package.json by itself.
      mainFields: ["module", "main"],
      format: options.format ?? "esm",
      minify: options.minify ?? false,
      define: Object.fromEntries(
        Object.entries(options.define ?? {}).map(([name, value]) => [name, JSON.stringify(value)]),
      ),
      plugins: [ownName],
      metafile: true,
      logLevel: "error",
    });
    if (errors.length > 0) throw new Error(errors.map((error) => error.text).join("\n"));
    return Object.keys(metafile.inputs);
  } finally {
    await stop();
  }
}

/** Finds `@apex/token/…` in this checkout, by the `exports` of `deno.json`. */
const ownName: Plugin = {
  name: "this package by its name",
  setup({ onResolve }) {
    const { name, exports } = JSON.parse(readFileSync(`${root}deno.json`, "utf8"));
    onResolve({ filter: new RegExp(`^${name}(?:/|$)`) }, ({ path }) => {
      const target = exports[`.${path.slice(name.length)}`];
      return target ? { path: root + target.slice(2) } : { errors: [{ text: `${path} is no export` }] };
    });
  },
};
