/**
 * Issuers that `oidc-gen` offers where no file names them.
 *
 * @module
 */

import { providers } from "../providers.ts";
import { sameIssuer } from "./account_config.ts";

const COMMUNITIES = [
  "https://wlcg.cloud.cnaf.infn.it/",
  "https://iam-test.indigo-datacloud.eu/",
  "https://iam.deep-hybrid-datacloud.eu/",
  "https://iam.extreme-datacloud.eu/",
  "https://iam-demo.cloud.cnaf.infn.it/",
  "https://b2access.eudat.eu/oauth2/",
  "https://b2access-integration.fz-juelich.de/oauth2/",
  "https://login-dev.helmholtz.de/oauth2/",
  "https://login.helmholtz.de/oauth2/",
  "https://services.humanbrainproject.eu/oidc/",
  "https://accounts.google.com/",
  "https://aai.egi.eu/auth/realms/egi/",
  "https://aai-demo.egi.eu/auth/realms/egi/",
  "https://aai-dev.egi.eu/auth/realms/egi/",
  "https://login.elixir-czech.org/oidc/",
];
const LAST = "https://oidc.scc.kit.edu/auth/realms/kit/";

/** The issuers to choose from: those that the files name, then the known ones. */
export function issuersToChoose(configured: readonly string[]): string[] {
  const known = [...COMMUNITIES, ...providers.map(({ issuer }) => issuer ?? ""), LAST].filter((one) =>
    one !== ""
  );
  const chosen: string[] = [];
  for (const issuer of [...configured, ...known]) {
    if (!chosen.some((one) => sameIssuer(one, issuer))) chosen.push(issuer);
  }
  return chosen;
}
