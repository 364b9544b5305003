/**
 * The two issuers of the documents under their own names, for a network namespace: APEx's is answered by
 * oidc-provider, WLCG's by the fixture of INDIGO IAM. TLS ends here, on port 443 of two loopback addresses.
 *
 * Started as a program, with the path of a certificate and of its key. Says `ready`; then each line on standard input is
 * a wish (JSON), each line on standard output its answer.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { connect } from "node:net";
import process from "node:process";
import { createInterface } from "node:readline";
import tls from "node:tls";
import { startIndigoIam } from "../interop/indigo_iam.ts";
import { startProvider } from "../interop/oidc_provider.ts";

/** The names, and where the hosts file sends them. */
export const HOSTS = { apex: "auth.apex.esa.int", iam: "wlcg.cloud.cnaf.infn.it" } as const;
/** The address of each. */
export const ADDRESSES = { apex: "127.0.0.2", iam: "127.0.0.3" } as const;

/** What a test can wish for. */
export interface Wish {
  /** Lets a person approve the code at one of the two. */
  readonly approve?: "apex" | "iam";
  readonly userCode?: string;
  /** Asks for the requests that were seen, `METHOD path grant`. */
  readonly requests?: "apex" | "iam";
  /** Asks for the ids of the clients that are registered at the IAM. */
  readonly clients?: boolean;
}

async function main([certPath, keyPath]: readonly string[]): Promise<void> {
  const provider = await startProvider({
    publicOrigin: `https://${HOSTS.apex}`,
    path: "/realms/apex",
    interval: 1,
  });
  const iam = await startIndigoIam({ issuer: `https://${HOSTS.iam}` });
  const identity = { cert: readFileSync(certPath), key: readFileSync(keyPath) };
  await Promise.all([
    front(identity, ADDRESSES.apex, provider.port),
    front(identity, ADDRESSES.iam, iam.port),
  ]);
  const say = (value: unknown) => void process.stdout.write(`${JSON.stringify(value)}\n`);
  const carryOut = async ({ approve, userCode = "", requests, clients }: Wish): Promise<unknown> => {
    if (approve === "apex") await provider.approveDevice(`${provider.issuer}/device`, { userCode });
    if (approve === "iam") iam.server.approveDevice(userCode);
    if (requests === "apex") {
      return provider.requests.map(({ method, path, grantType = "" }) =>
        `${method} ${path} ${grantType}`.trim()
      );
    }
    if (requests === "iam") {
      return iam.server.requests.map(({ method, url, grantType = "" }) =>
        `${method} ${new URL(url).pathname} ${grantType}`.trim()
      );
    }
    return clients ? iam.server.clientIds : "done";
  };
  const lines = createInterface({ input: process.stdin });
  say("ready");
  for await (const line of lines) {
    say(await carryOut(JSON.parse(line)).catch((error) => ({ error: String(error) })));
  }
  process.exit(0);
}

function front(
  identity: { cert: Uint8Array; key: Uint8Array },
  address: string,
  port: number,
): Promise<void> {
  const server = tls.createServer(identity as tls.TlsOptions, (outer) => {
    const inner = connect(port, "127.0.0.1", () => outer.pipe(inner).pipe(outer));
    outer.on("error", () => inner.destroy());
    inner.on("error", () => outer.destroy());
    outer.on("close", () => inner.destroy());
    inner.on("close", () => outer.destroy());
  });
  return new Promise((resolve) => server.listen(443, address, resolve));
}

if (process.argv[1]?.endsWith("servers.ts") && process.argv.length > 3) await main(process.argv.slice(2));
