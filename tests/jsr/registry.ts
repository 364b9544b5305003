/**
 * A JSR registry on loopback that serves this checkout as it would be published, and an npm registry for what it
 * depends on, served out of `node_modules`: the real `jsr:` specifier runs, without a network.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { root } from "../../scripts/toolchain.ts";
import { importsOf } from "../source_text.ts";
import { npmTarball } from "../../scripts/npm_tarball.ts";

/** A registry that runs. */
export interface Registry {
  /** Where it is, with a slash at its end: the value of `JSR_URL`. */
  readonly url: string;
  /** What Deno needs in its environment to ask this registry and no other. */
  readonly env: { readonly JSR_URL: string; readonly NPM_CONFIG_REGISTRY: string };
  /** The paths asked for so far, in order. */
  readonly requests: string[];
  close(): Promise<void>;
}

interface Config {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly imports: Readonly<Record<string, string>>;
  readonly publish?: { readonly include?: readonly string[]; readonly exclude?: readonly string[] };
}

interface Answer {
  readonly type: string;
  readonly body: Uint8Array | string;
}

/** Starts a registry on a free port. Files are read when they are asked for the first time. */
export async function startRegistry(): Promise<Registry> {
  const config: Config = JSON.parse(await readFile(`${root}deno.json`, "utf8"));
  const files = await publishedFiles(config);
  const requests: string[] = [];
  let url = "";
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname);
    requests.push(path);
    const answer = path.startsWith("/npm/")
      ? await answerNpm(path.slice("/npm/".length), config, url)
      : answerJsr(path, config, files);
    response.writeHead(answer ? 200 : 404, { "content-type": answer?.type ?? "text/plain" });
    response.end(answer?.body ?? "not found");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return {
    url,
    env: { JSR_URL: url, NPM_CONFIG_REGISTRY: `${url}npm/` },
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answerJsr(path: string, config: Config, files: ReadonlyMap<string, Uint8Array>): Answer | undefined {
  const { name, version, exports } = config;
  if (path === `/${name}/meta.json`) {
    const [scope, short] = name.slice(1).split("/");
    return json({ scope, name: short, latest: version, versions: { [version]: {} } });
  }
  if (path === `/${name}/${version}_meta.json`) {
    const manifest = Object.fromEntries(
      [...files].map((
        [file, bytes],
      ) => [file, { size: bytes.length, checksum: `sha256-${hash("sha256", bytes)}` }]),
    );
    return json({ manifest, exports });
  }
  const start = `/${name}/${version}`;
  const body = path.startsWith(`${start}/`) ? files.get(path.slice(start.length)) : undefined;
  return body && { type: path.endsWith(".ts") ? "text/typescript" : "application/octet-stream", body };
}

/** What `deno publish` would upload, by its path with a slash in front; bare specifiers have become `npm:` ones. */
async function publishedFiles(config: Config): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const included of config.publish?.include ?? ["mod.ts", "cli.ts", "lib"]) {
    for (const file of await filesUnder(included)) {
      if (config.publish?.exclude?.some((start) => file === start || file.startsWith(`${start}/`))) continue;
      const bytes = await readFile(root + file);
      const text = file.endsWith(".ts")
        ? withNpmSpecifiers(bytes.toString("utf8"), config.imports)
        : undefined;
      files.set(`/${file}`, text === undefined ? bytes : new TextEncoder().encode(text));
    }
  }
  return files;
}

async function filesUnder(path: string): Promise<string[]> {
  const info = await stat(root + path).catch(() => undefined);
  if (info === undefined || info.isFile()) return info ? [path] : [];
  const entries = (await readdir(root + path)).sort();
  return (await Promise.all(entries.map((entry) => filesUnder(`${path}/${entry}`)))).flat();
}

/** Replaces what `imports` names by what it stands for, as publishing does. */
export function withNpmSpecifiers(source: string, imports: Readonly<Record<string, string>>): string {
  let result = "";
  let at = 0;
  for (const { specifier = "", start, end } of importsOf(source)) {
    const name = /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? "";
    const target = imports[name];
    if (target === undefined) continue;
    result += source.slice(at, start) + target + specifier.slice(name.length);
    at = end;
  }
  return result + source.slice(at);
}

/** Answers for the packages in `node_modules`, with the one version that is there. */
async function answerNpm(path: string, config: Config, url: string): Promise<Answer | undefined> {
  const isTarball = path.endsWith(".tgz");
  const name = isTarball ? path.slice(0, path.indexOf("/-/")) : path;
  if (config.imports[name] === undefined) return undefined;
  const folder = `${root}node_modules/${name}`;
  const tarball = await npmTarball(folder);
  if (isTarball) return { type: "application/octet-stream", body: tarball };
  const manifest = JSON.parse(await readFile(`${folder}/package.json`, "utf8"));
  const dist = {
    tarball: `${url}npm/${name}/-/${name.split("/").at(-1)}-${manifest.version}.tgz`,
    shasum: hash("sha1", tarball),
    integrity: `sha512-${hash("sha512", tarball, "base64")}`,
  };
  return json({
    name,
    "dist-tags": { latest: manifest.version },
    versions: { [manifest.version]: { ...manifest, dist } },
  });
}

function json(value: unknown): Answer {
  return { type: "application/json", body: JSON.stringify(value) };
}

function hash(algorithm: string, bytes: Uint8Array, encoding: "hex" | "base64" = "hex"): string {
  return createHash(algorithm).update(bytes).digest(encoding);
}
