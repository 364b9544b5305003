/**
 * A token that somebody hands in: a file, standard input; never an option's value.
 *
 * @module
 */

import { resolve } from "node:path";
import type { Host } from "../host/host.ts";
import { readSecretFile } from "../profile/secret_file.ts";
import { typedOrPiped } from "./secret_input.ts";

/** The token in a file, or on standard input for `-`. */
export async function readToken(host: Host, file: string): Promise<string> {
  if (file === "-") return (await typedOrPiped(host, "token")).trim();
  return readSecretFile(resolve(file), "token").trim();
}
