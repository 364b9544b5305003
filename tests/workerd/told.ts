/**
 * What a test file in workerd tells about itself, one JSON object a line.
 *
 * @module
 */

/** Begins each such line, so that what a test itself prints is not taken for one: a record separator (RFC 7464). */
export const marker = "\u001e";

/** One line. */
export type Told =
  /** This test, or the loading of the file, begins. */
  | { readonly file: string; readonly starts: readonly string[] }
  /** It ended; `failure` is absent when it passed. */
  | { readonly file: string; readonly ended: readonly string[]; readonly failure?: string }
  /** Nothing of the file is left to run. */
  | { readonly file: string; readonly done: true };
