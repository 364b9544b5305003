/**
 * The output forms by the name that `-o` takes.
 *
 * @module
 */

import type { Answer } from "./answer.ts";
import { formatEnv } from "./env.ts";
import { formatHeader } from "./header.ts";
import { formatJson } from "./json.ts";
import { formatToken } from "./token.ts";

/** The name of an output form. */
export type OutputForm = "token" | "json" | "header" | "env";

/** The output forms. */
export const forms: Readonly<Record<OutputForm, (answer: Answer) => string>> = {
  token: formatToken,
  json: formatJson,
  header: formatHeader,
  env: formatEnv,
};

/** Whether there is a form of that name. */
export function isOutputForm(name: string): name is OutputForm {
  return Object.hasOwn(forms, name);
}
