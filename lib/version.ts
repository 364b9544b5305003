/**
 * Which release this is.
 *
 * @module
 */

/** The version of this package, as in `deno.json`. */
export const version: string = "0.1.0";

/**
 * The URL that this module was loaded from. Once a bundler has put it into one file with another module, both have
 * the same URL: that is how `mod.ts` knows whether it is the package's own file or a part of somebody's program.
 */
export const loadedFrom: string = import.meta.url;
