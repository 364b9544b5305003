/**
 * The Keycloak that `deno task interop` has started, as its tests see it.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import process from "node:process";
import { discover, type Fetch, type Issuer, type JsonWebKey } from "../../../mod.ts";
import { trustingFetch } from "../../hostile/trusting_fetch.ts";

/** The variable by which a test finds it: the path of a file with a {@linkcode Place} in JSON. */
export const VARIABLE = "APEX_TOKEN_TEST_KEYCLOAK";

/** Where it is and what belongs to it. */
export interface Place {
  readonly issuer: string;
  /** The file with the authority that signed its certificate. */
  readonly authorityFile: string;
  /** Who may ask it what happened. */
  readonly admin: { readonly username: string; readonly password: string };
  /** The private key of `key-client`. */
  readonly key: JsonWebKey;
}

/**
 * The place of this run.
 *
 * @throws when there is none; the message says how to make one
 */
export function keycloak(): Place {
  const file = process.env[VARIABLE];
  if (file === undefined) throw new Error("These tests need a Keycloak: run them with deno task interop");
  return JSON.parse(readFileSync(file, "utf8"));
}

/** The realm's issuer, asked through TLS. */
export function discoverKeycloak(place: Place): Promise<Issuer> {
  return discover(place.issuer, { fetch: fetchAt(place) });
}

/** A `fetch` that trusts it. */
export function fetchAt({ authorityFile }: Place): Fetch {
  return trustingFetch(readFileSync(authorityFile, "utf8"));
}
