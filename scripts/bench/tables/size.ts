/**
 * What each library adds to a program that is sent to a browser.
 *
 * @module
 */

import { build, stop } from "esbuild";
import { gzipSync } from "node:zlib";
import { versionsOf } from "../machine.ts";
import { packedProject } from "../packed.ts";
import { type Line, type Table, US, withRatios } from "../table.ts";

/** A program of a user: what it takes from which module. */
interface Program {
  readonly row: string;
  readonly who: string;
  readonly source: string;
}

const SMALLEST = "client credentials, the least that yields a token";
const DISCOVERED = "client credentials with discovery";
const FETCHED = "client credentials with a fetch that uses the token";
const WHOLE = "the whole module";

const OURS = "clientCredentials, clientSecretPost, tokenCache";
const WITH_FETCH = "clientCredentials, clientSecretPost, tokenSource";
const PROTOCOL = "ClientSecretPost, clientCredentialsGrantRequest, processClientCredentialsResponse";

const programs: readonly Program[] = [
  ours(SMALLEST, `{ ${OURS}, issuerFromMetadata }`),
  peer(SMALLEST, "openid-client", "{ Configuration, ClientSecretPost, clientCredentialsGrant }"),
  peer(SMALLEST, "oauth4webapi", `{ ${PROTOCOL} }`),
  peer(SMALLEST, "@badgateway/oauth2-client", "{ OAuth2Client, OAuth2Fetch }"),
  peer(SMALLEST, "google-auth-library", "{ OAuth2Client }"),
  peer(SMALLEST, "@azure/msal-node", "{ ConfidentialClientApplication }"),
  peer(SMALLEST, "simple-oauth2", "{ ClientCredentials }"),
  ours(FETCHED, `{ ${WITH_FETCH}, issuerFromMetadata }`),
  ours(DISCOVERED, `{ ${OURS}, discover }`),
  peer(DISCOVERED, "openid-client", "{ discovery, ClientSecretPost, clientCredentialsGrant }"),
  peer(
    DISCOVERED,
    "oauth4webapi",
    `{ ${PROTOCOL}, discoveryRequest, processDiscoveryResponse }`,
  ),
  ours(WHOLE, "*"),
  peer(WHOLE, "openid-client", "*"),
  peer(WHOLE, "oauth4webapi", "*"),
  peer(WHOLE, "@badgateway/oauth2-client", "*"),
  peer(WHOLE, "google-auth-library", "*"),
  peer(WHOLE, "@azure/msal-node", "*"),
  peer(WHOLE, "simple-oauth2", "*"),
];

const PEERS = [...new Set(programs.map(({ who }) => who).filter((who) => who !== US))];

/** Measures the bundles. */
export async function size(): Promise<Table> {
  const lines: Line[] = [];
  const project = await packedProject(PEERS);
  try {
    for (const program of programs) lines.push(await measure(program, project.path));
  } finally {
    await stop();
    await project.remove();
  }
  return {
    name: "size",
    title: "size of a bundle for a browser",
    notes: [
      "Each package as npm users get it, bundled by esbuild for a browser, minified ESM, then gzip -9; 1 KB is 1,000 bytes. What does not build for a " +
      "browser is built for Node, with Node's own modules left out, and says so.",
      "For client credentials apex-token brings a cache, one flight for all callers and retry; @badgateway a cache " +
      "and one flight, msal-node a cache, google-auth-library all three for a refresh token; the others bring none.",
    ],
    versions: versionsOf([US, ...PEERS, "esbuild"]),
    lines: withRatios(lines, "KB gzip"),
  };
}

function ours(row: string, what: string): Program {
  return {
    row,
    who: US,
    source: `export ${what} from "@apex/token";`,
  };
}

function peer(row: string, who: string, what: string): Program {
  return { row, who, source: `export ${what} from ${JSON.stringify(who)};` };
}

async function measure({ row, who, source }: Program, project: string): Promise<Line> {
  const forBrowser = await bundle(source, project, "browser").catch(() => undefined);
  const code = forBrowser ?? await bundle(source, project, "node");
  return {
    row,
    who,
    note: forBrowser ? undefined : "built for Node",
    values: { "KB minified": code.length / 1000, "KB gzip": gzipSync(code, { level: 9 }).length / 1000 },
  };
}

async function bundle(source: string, project: string, platform: "browser" | "node"): Promise<Uint8Array> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: project },
    bundle: true,
    minify: true,
    format: "esm",
    platform,
    write: false,
    logLevel: "silent",
  });
  return outputFiles[0].contents;
}
