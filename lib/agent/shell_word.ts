/**
 * Words for a shell's `eval`.
 *
 * @module
 */

/** A text as one word of a shell: as it is where a shell does nothing with it, else in quotes. */
export function shellWord(text: string): string {
  return /^[\w~+/:.@%=?,-]*$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
