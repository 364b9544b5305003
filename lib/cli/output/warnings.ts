/**
 * What a person should know about a token before using it elsewhere.
 *
 * @module
 */

import type { Host } from "../../host/host.ts";

/** A bound token is of no use to a program without its key (RFC 9449 section 7). */
export function warnWhenBound(host: Host, { tokenType }: { readonly tokenType: string }): void {
  if (tokenType !== "DPoP") return;
  host.say(
    "This token is bound to a key that only apex-token and its library have (DPoP): curl and others cannot use it.",
  );
}
