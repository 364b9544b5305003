/**
 * What the tests of docs/examples have in common: the examples run as they are, at a server with TLS.
 *
 * @module
 */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { workerd } from "../../scripts/toolchain.ts";
import type { TestClient } from "../../lib/testing/mod.ts";
import { makeCertificates } from "../hostile/certificates.ts";
import { startProcess } from "../process.ts";
import { serve, type ServedAuthorizationServer } from "../security/served.ts";
import { kill } from "../store/store_process.ts";

/** The client of the examples that have a secret. */
export const SERVICE: TestClient & { readonly secret: string } = {
  clientId: "my-service",
  secret: "the client's secret: +/é",
};

/** A server with TLS, and a folder for what is made to run an example at it. */
export interface Site extends ServedAuthorizationServer {
  /** Who signed its certificate, in PEM. */
  readonly authority: string;
  readonly folder: string;
}

/** Starts one. Its demo resource is the API. */
export async function startSite(client: TestClient): Promise<Site> {
  const { authority, good } = makeCertificates();
  const folder = await mkdtemp(join(tmpdir(), "apex-token-example-"));
  const served = await serve({ clients: [client] }, good);
  const close = async () => {
    await served.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { ...served, authority, folder, close };
}

/** A key as the examples read it. */
export function newKey(): string {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))));
}

/** What to run in workerd. */
export interface Workers {
  /** Cap'n Proto: the services besides `internet`, without the list's brackets. */
  readonly services: string;
  /** The services that get a socket of their own. */
  readonly sockets: readonly string[];
  /** The workers, as constants of the file. */
  readonly workers: Readonly<Record<string, string>>;
}

/** workerd with some workers. */
export interface RunningWorkers {
  /** The ports of the sockets, in their order. */
  readonly ports: readonly number[];
  close(): Promise<void>;
}

/** Starts workerd in the folder of `site`, whose certificate it trusts. */
export async function startWorkers(
  { folder, authority }: Site,
  { services, sockets, workers }: Workers,
): Promise<RunningWorkers> {
  const opened = sockets.map((name) =>
    `(name = "${name}", address = "127.0.0.1:0", http = (), service = "${name}")`
  );
  const constants = Object.entries(workers).map(([name, worker]) =>
    `const ${name} :Workerd.Worker = (modules = [(name = "worker.js", esModule = embed "worker.js")], ${worker});`
  );
  const trust = `tlsOptions = (trustedCertificates = [${JSON.stringify(authority)}])`;
  await writeFile(
    join(folder, "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "internet", network = (allow = ["local"], ${trust})), ${services}],
  sockets = [${opened.join(", ")}],
);
${constants.join("\n")}
`,
  );
  const options = { cwd: folder, timeout: 900_000 };
  const running = startProcess(workerd(), ["serve", "--control-fd=1", "config.capnp"], options);
  const port = async (name: string) =>
    Number((await running.waitFor("stdout", new RegExp(`"socket":"${name}","port":(\\d+)`)))[1]);
  return { ports: await Promise.all(sockets.map(port)), close: () => kill(running) };
}

/** Bindings of a worker to text. */
export function textBindings(values: Readonly<Record<string, string>>): string {
  return Object.entries(values).map(([name, text]) => `(name = "${name}", text = ${JSON.stringify(text)})`)
    .join(", ");
}

/** An answer of an example. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly location: string;
  /** The cookie that it sets, as it is sent back. */
  readonly cookie: string;
}

/** Sends a GET over a connection of its own. Not with `fetch`, which may ask a proxy even for loopback. */
export function ask(port: number, path = "/", cookie = ""): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, path, headers: { cookie }, agent: false };
    const sent = request(options, async (response) => {
      let text = "";
      response.setEncoding("utf8");
      for await (const chunk of response) text += chunk;
      resolve({
        status: response.statusCode ?? 0,
        text,
        location: response.headers.location ?? "",
        cookie: response.headers["set-cookie"]?.[0].split(";")[0] ?? "",
      });
    });
    sent.on("error", reject);
    sent.end();
  });
}
