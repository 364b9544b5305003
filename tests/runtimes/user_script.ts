// A script of a user of this package, as small as it gets. Bundled and run by bundled_script_test.ts.

import { clientCredentials, clientSecretBasic, discover, tokenSource } from "../../mod.ts";

declare const ISSUER: string;
declare const CLIENT_ID: string;
declare const CLIENT_SECRET: string;

async function main(): Promise<void> {
  const issuer = await discover(ISSUER, { allowInsecureLoopback: true });
  const client = { clientId: CLIENT_ID, authentication: clientSecretBasic(CLIENT_SECRET) };
  const source = tokenSource(issuer, client, clientCredentials({ scope: "openid roles" }));
  const { accessToken } = await source.get();
  console.log(accessToken);
}

main();
