/**
 * Words that were not born in this package, made safe for a terminal.
 *
 * @module
 */

// ESC and everything that a terminal would swallow with it: CSI; OSC, DCS, SOS, PM and APC up to their
// terminator; two-byte sequences. The 8-bit forms of CSI and OSC too.
const ESCAPE_SEQUENCE =
  // deno-lint-ignore no-control-regex
  /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|\x1b[ -/]*[0-~]?/g;
// Zero-width characters, bidirectional controls, variation selectors, fillers, tags, interlinear and other format
// characters: they change what a reader sees without being seen. (DI is Default_Ignorable_Code_Point.)
const INVISIBLE = /[\p{Cf}\p{DI}]/gu;
const UNPRINTABLE = /[\p{Cc}\p{Cs}]+/gu;

/**
 * Makes a foreign string fit to be shown to a person: one line, no escape sequences, no control, bidirectional or
 * invisible characters, at most `limit` characters.
 *
 * @param text what a server or a file said
 * @param limit the longest result, in characters; default 200
 */
export function safeText(text: string, limit = 200): string {
  const clean = text.slice(0, limit * 8)
    .replace(ESCAPE_SEQUENCE, "")
    .replace(INVISIBLE, "")
    .replace(UNPRINTABLE, " ")
    .normalize("NFC")
    .replace(/\s+/g, " ")
    .trim();
  const characters = [...clean];
  return characters.length <= limit ? clean : characters.slice(0, limit - 1).join("") + "…";
}
