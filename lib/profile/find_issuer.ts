/**
 * The issuer that somebody means: a preset by its name, or a server by its URL.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { discover, type Issuer } from "../oauth/issuer.ts";
import { type Provider, providerNamed, providerOf, providers } from "../providers.ts";
import { safeText } from "../safe_text.ts";
import { transportOf } from "./connection.ts";
import { withPatience } from "./patience.ts";
import type { Profile } from "./profile.ts";

/** Where to look for it, and how it is reached. */
export interface IssuerWish extends Pick<Profile, "caFile" | "allowInsecureLoopback"> {
  /** An issuer URL, or the name of a preset. */
  readonly issuer: string;
  readonly signal?: AbortSignal;
}

/**
 * Fetches the metadata of an issuer, and finds what is known of its kind.
 *
 * @throws {TokenError} `invalid_argument` for a word that is neither a URL nor a preset; as discovery
 */
export async function findIssuer(
  host: Host,
  wish: IssuerWish,
): Promise<{ issuer: Issuer; provider: Provider }> {
  const preset = providerNamed(wish.issuer) ?? providerOf(wish.issuer);
  const url = providerNamed(wish.issuer)?.issuer ?? wish.issuer;
  if (!/^https?:\/\//i.test(url)) {
    const names = providers.map(({ name }) => name).join(", ");
    throw new TokenError("invalid_argument", `Cannot find an issuer named "${safeText(wish.issuer)}"`, {
      nextStep: `Give its URL with the https:// in front, or one of: ${names}`,
    });
  }
  const options = { ...await transportOf(host, wish), quirks: preset.quirks, signal: wish.signal };
  const issuer = await withPatience(host, url, () => discover(url, options));
  const provider = preset.issuer ? preset : providerOf(issuer.issuer, issuer.metadata);
  return { issuer: { ...issuer, quirks: { ...issuer.quirks, enabled: provider.quirks } }, provider };
}
