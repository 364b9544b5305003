/**
 * What makes a shell complete the words of `apex-token`: each asks the program itself, so that profiles and commands are
 * those of the moment.
 *
 * The question is `apex-token __complete =CURRENT BEFORE…`; the mark before the current word keeps shells from dropping an
 * empty one. The answer's first line is `words` or `file`; each further line is a word, a tab, and what it is for.
 *
 * @module
 */

import { bash } from "./bash.ts";
import { fish } from "./fish.ts";
import { powershell } from "./powershell.ts";
import { zsh } from "./zsh.ts";

/** The shells, and what each has to read. */
export const shells = { bash, zsh, fish, powershell } as const;

/** The name of a shell. */
export type Shell = keyof typeof shells;
