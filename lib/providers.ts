/**
 * Presets for issuers: data only.
 *
 * @module
 */

import type { ServerMetadata } from "./oauth/issuer.ts";
import { type OptionalQuirk, sameButForSlash } from "./oauth/quirks.ts";

/** How a server is told which API a token is for. */
export type AudienceDialect =
  /** The `audience` parameter (INDIGO IAM, Auth0). */
  | "audience"
  /** The `resource` parameter (RFC 8707). */
  | "resource"
  /** Both. */
  | "both"
  /** Neither: the server sets audiences by client scope (Keycloak). */
  | "none";

/** A way to sign in, as `--flow` names it. */
export type Flow = "device" | "browser" | "client-credentials" | "password";

/** A preset for an issuer. */
export interface Provider {
  /** The word for `--issuer`. */
  readonly name: string;
  /** The name for people. */
  readonly title: string;
  /** The issuer identifier, exactly as the server writes it; absent where every site has its own. */
  readonly issuer?: string;
  readonly audience: AudienceDialect;
  readonly quirks: readonly OptionalQuirk[];
  /** What is asked for when nobody says. */
  readonly scope: string;
  /** The flows for people, the preferred one first. */
  readonly flows: readonly Flow[];
  /** A client that anybody may use. */
  readonly clientId?: string;
  /** Where a client id comes from, in words. */
  readonly clientHint: string;
}

const keycloak = { audience: "none", quirks: [], scope: "openid" } as const;
const indigoIam = {
  audience: "audience",
  quirks: ["issuer-trailing-slash", "audience-parameter"],
  scope: "openid",
  flows: ["device", "browser"],
  clientHint: "register a client in the IAM's web page (My clients) with the device code grant",
} as const;

/** The presets, in the order in which they are offered. */
export const providers: readonly Provider[] = [
  {
    ...keycloak,
    name: "apex",
    title: "ESA APEx",
    issuer: "https://auth.apex.esa.int/realms/apex",
    // the clients that the support team hands out have no redirect URI
    flows: ["device", "browser"],
    clientHint: "the APEx support team hands it out, for example project-a-catalogue-dev-api",
  },
  {
    ...keycloak,
    name: "cdse",
    title: "Copernicus Data Space Ecosystem",
    issuer: "https://identity.dataspace.copernicus.eu/auth/realms/CDSE",
    flows: ["device", "browser"],
    clientId: "cdse-public",
    clientHint: "cdse-public serves most needs",
  },
  {
    ...keycloak,
    name: "egi",
    title: "EGI Check-in",
    issuer: "https://aai.egi.eu/auth/realms/egi",
    flows: ["device", "browser"],
    clientHint: "register one at https://aai.egi.eu/federation",
  },
  { ...indigoIam, name: "wlcg", title: "WLCG IAM", issuer: "https://wlcg.cloud.cnaf.infn.it/" },
  {
    ...indigoIam,
    name: "iam-test",
    title: "INDIGO IAM test instance",
    issuer: "https://iam-test.indigo-datacloud.eu/",
  },
  { ...indigoIam, name: "escape", title: "ESCAPE IAM", issuer: "https://iam-escape.cloud.cnaf.infn.it/" },
  { ...indigoIam, name: "infn-cloud", title: "INFN Cloud IAM", issuer: "https://iam.cloud.infn.it/" },
];

const anyKeycloak: Provider = {
  ...keycloak,
  name: "keycloak",
  title: "Keycloak",
  flows: ["browser", "device"],
  clientHint: "ask the operator of the realm",
};
const anyIndigoIam: Provider = { ...indigoIam, name: "indigo-iam", title: "INDIGO IAM" };
const anyServer: Provider = {
  name: "generic",
  title: "OpenID Provider",
  audience: "audience",
  quirks: [],
  scope: "openid",
  flows: ["browser", "device"],
  clientHint: "ask the operator of the server",
};

/** The preset of that name, if there is one. */
export function providerNamed(name: string): Provider | undefined {
  return providers.find((provider) => provider.name === name);
}

/** The preset of an issuer: by its identifier with or without the last slash, by its URL's form, by its metadata. */
export function providerOf(issuer: string, metadata?: ServerMetadata): Provider {
  return providers.find((provider) => provider.issuer && sameButForSlash(provider.issuer, issuer)) ??
    (looksLikeKeycloak(issuer) ? anyKeycloak : looksLikeIndigoIam(metadata) ? anyIndigoIam : anyServer);
}

function looksLikeKeycloak(issuer: string): boolean {
  return /\/realms\/[^/]+$/.test(issuer);
}

function looksLikeIndigoIam(metadata?: ServerMetadata): boolean {
  return String(metadata?.registration_endpoint ?? "").endsWith("/iam/api/client-registration") ||
    (metadata?.issuer.endsWith("/") === true &&
      String(metadata.device_authorization_endpoint ?? "").endsWith("/devicecode"));
}
