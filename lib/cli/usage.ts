/**
 * A command line that cannot be understood, in words.
 *
 * @module
 */

import { safeText } from "../safe_text.ts";

/**
 * What the parser says, as one sentence of ours and perhaps a guess. What somebody typed as a value is left out: it may be
 * a secret, for which there is no option.
 */
export function usageWords(text: string): string {
  const [what, ...guesses] = text.replace(/^error: /, "").trim()
    .replace(/^(unknown option '[^'=]*)=.*'$/ms, "$1'")
    .replace(/( but got \d+): .*\.$/s, "$1")
    .split("\n");
  const sentence = safeText(what[0].toUpperCase() + what.slice(1), 400);
  return [
    `apex-token: ${/[.?!]$/.test(sentence) ? sentence : sentence + "."}`,
    ...guesses.map((guess) => safeText(guess)),
  ]
    .join("\n");
}

/** What to say where the parser would show a whole help: a command is missing. */
export function missingWords(name: string): string {
  return usageWords(`a command is needed after '${name}'`);
}
