/**
 * A place in which the documents' names lead to servers of the test: a network and a mount namespace with a hosts file of
 * its own, and a private authority in the system's bundle.
 *
 * @module
 */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { bun, deno, node, root } from "../../scripts/toolchain.ts";
import { freshBinary } from "../cli/binary.ts";
import { makeCertificates } from "../hostile/certificates.ts";
import {
  currentRuntime,
  type ProcessOptions,
  type RunningProcess,
  runProcess,
  startProcess,
} from "../process.ts";
import { ADDRESSES, HOSTS, type Wish } from "./servers.ts";

/** What the system trusts, where Debian and its kin keep it. */
const BUNDLE = "/etc/ssl/certs/ca-certificates.crt";

/** The place. */
export interface Realm {
  readonly home: string;
  /** The directory with our links. */
  readonly links: string;
  /** Starts a program in it, with this environment alone. */
  start(program: string, args: readonly string[], options?: ProcessOptions): RunningProcess;
  /** Asks the servers for something. */
  wish<T = unknown>(wish: Wish): Promise<T>;
  close(): Promise<void>;
}

/** Makes the place; `close` it. */
export async function makeRealm(): Promise<Realm> {
  const home = mkdtempSync(join(tmpdir(), "apex-token-realm-"));
  const names = Object.values(HOSTS).map((name) => `DNS:${name}`).join(",");
  const { authority, good } = makeCertificates(names);
  const file = (name: string, text: string) => {
    writeFileSync(join(home, name), text, { mode: 0o600 });
    return join(home, name);
  };
  const [cert, key, ca] = [file("cert.pem", good.cert), file("key.pem", good.key), file("ca.pem", authority)];
  const hosts = file(
    "hosts",
    "127.0.0.1 localhost\n" +
      (["apex", "iam"] as const).map((one) => `${ADDRESSES[one]} ${HOSTS[one]}\n`).join(""),
  );
  const bundle = file("bundle.pem", (existsSync(BUNDLE) ? readFileSync(BUNDLE, "utf8") : "") + authority);
  const setup = file(
    "setup.sh",
    [
      "set -e",
      "ip link set lo up",
      `mount --bind ${hosts} /etc/hosts`,
      `mount --bind ${bundle} ${BUNDLE}`,
      // what Debian's package of the original puts there
      "[ ! -d /etc/oidc-agent ] || mount -t tmpfs none /etc/oidc-agent",
      'exec "$@"',
    ].join("\n"),
  );
  // in a user namespace of somebody else, root's own directories seem to be nobody's, and the agent trusts none of them
  if (process.geteuid?.() !== 0) throw new Error("These tests need root: they make a network namespace");
  const apart = ["--mount", "--net"];
  const servers = startProcess("unshare", [...apart, "sh", setup, ...serverWords(), cert, key], {
    env: { HOME: home, PATH: process.env.PATH ?? "", NODE_EXTRA_CA_CERTS: ca, ...denoEnvironment(ca) },
    stdin: "open",
    timeout: 900_000,
  });
  await servers.waitFor("stdout", /^"ready"\n/);
  const links = join(home, "links");
  mkdirSync(links);
  const linked = await runProcess(await freshBinary(), ["agent", "links", links], { env: { HOME: home } });
  if (linked.code !== 0) throw new Error(linked.stderr);
  const target = String(servers.pid);
  const inside = ["--target", target, "--mount", "--net"];
  let answers = 1;
  return {
    home,
    links,
    start: (program, args, options = {}) =>
      startProcess("nsenter", [...inside, "--", program, ...args], { cwd: "/", ...options }),
    async wish<T>(wish: Wish): Promise<T> {
      const before = answers++;
      servers.write(`${JSON.stringify(wish)}\n`);
      const [text] = await servers.waitFor("stdout", new RegExp(`^(?:.*\\n){${before + 1}}`));
      const answer = JSON.parse(text.trimEnd().split("\n").at(-1)!) as T & { error?: string };
      if (answer?.error) throw new Error(answer.error);
      return answer;
    },
    async close() {
      servers.endInput();
      await servers.ended;
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function serverWords(): string[] {
  const script = `${root}tests/documents/servers.ts`;
  switch (currentRuntime()) {
    case "deno":
      return [deno(), "run", "-A", "--cached-only", "--no-check", script];
    case "bun":
      return [bun(), script];
    case "node":
      return [node(), script];
  }
}

/** Deno looks for its cache in `HOME`, and for authorities in a variable of its own. */
function denoEnvironment(ca: string): Record<string, string> {
  const home = process.env.HOME ?? "/";
  return { DENO_DIR: process.env.DENO_DIR ?? join(home, ".cache/deno"), DENO_CERT: ca };
}
