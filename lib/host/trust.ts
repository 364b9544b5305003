/**
 * The certificate authorities that this machine trusts.
 *
 * @module
 */

import { X509Certificate } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import * as tls from "node:tls";
import { TokenError } from "../errors.ts";
import { safeText } from "../safe_text.ts";
import type { Environment, Platform } from "./directories.ts";

/** Where {@linkcode trustedCertificates} looks. */
export interface TrustOptions {
  /** Where the system keeps its authorities. */
  readonly platform: Platform;
  /** Names further ones. */
  readonly environment: Environment;
  /** A PEM file with further authorities. */
  readonly caFile?: string;
  /** The system's own bundles; the first that exists is read. Default: where the systems keep them. */
  readonly systemBundles?: readonly string[];
}

/** Debian and most others, Fedora and its relatives, openSUSE, OpenELEC, Arch, Alpine with macOS and the BSDs, FreeBSD. */
const SYSTEM_BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/tls/cacert.pem",
  "/etc/ca-certificates/extracted/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
  "/usr/local/share/certs/ca-root-nss.crt",
];

const LARGEST_FILE = 8 * 1024 * 1024;
const MOST_FILES = 2000;
/** What `openssl rehash` makes, and what people put beside it. */
const CERTIFICATE_FILE = /^[0-9a-f]{8}\.\d+$|\.(?:pem|crt|cer)$/i;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** The one member of `node:tls` that not every runtime has. */
type GetCertificates = (type: "default" | "system") => string[];

/**
 * All authorities to trust, in PEM, each once: those of the runtime, of the system, of `SSL_CERT_FILE` and
 * `SSL_CERT_DIR`, and of `caFile`. The two variables add to the others, and what they name may be missing, as OpenSSL
 * has it; a `caFile` must be right.
 *
 * @throws {TokenError} `storage` when `caFile` cannot be read, `invalid_argument` when there is no certificate in it
 */
export function trustedCertificates(options: TrustOptions): string[] {
  const { environment, caFile } = options;
  const all = new Map<string, string>();
  const add = (certificates: readonly string[]): void => {
    for (const pem of certificates) all.set(pem.replace(/\s+/g, ""), pem);
  };
  add(runtimeCertificates());
  const files = [
    environment("SSL_CERT_FILE"),
    ...(environment("SSL_CERT_DIR") ?? "").split(delimiter).filter((path) => path !== "").flatMap(
      certificateFiles,
    ),
  ];
  add([
    ...systemCertificates(options),
    ...files.flatMap((path) => path === undefined ? [] : readableCertificates(path)),
  ].filter(isUsable));
  if (caFile !== undefined) add(caFileCertificates(caFile));
  return [...all.values()];
}

/**
 * The certificates of a CA file that somebody named.
 *
 * @throws {TokenError} `storage` when it cannot be read, `invalid_argument` when there is no certificate in it
 */
export function caFileCertificates(path: string): string[] {
  let text: string;
  try {
    text = readBounded(path);
  } catch (error) {
    const code = safeText(String((error as { code?: unknown }).code ?? (error as Error).message), 40);
    throw new TokenError("storage", `Cannot read the CA file ${safeText(path)} (${code})`);
  }
  const certificates = (text.match(CERTIFICATE) ?? []).filter(isUsable);
  if (certificates.length > 0) return certificates;
  throw new TokenError(
    "invalid_argument",
    `Cannot use ${safeText(path)} as a CA file: it holds no certificate in PEM`,
  );
}

/** What the runtime brings along, with what `NODE_EXTRA_CA_CERTS` adds to it. */
function runtimeCertificates(): readonly string[] {
  const { getCACertificates } = tls as { getCACertificates?: GetCertificates };
  return getCACertificates?.("default") ?? tls.rootCertificates;
}

function systemCertificates({ platform, systemBundles = SYSTEM_BUNDLES }: TrustOptions): readonly string[] {
  const { getCACertificates } = tls as { getCACertificates?: GetCertificates };
  const isInFiles = platform === "linux" || platform === "other";
  // A keychain or a certificate store has to be asked through the runtime. On Linux the file is quicker to read.
  if (!isInFiles && getCACertificates !== undefined) return getCACertificates("system");
  for (const path of systemBundles) {
    const certificates = readableCertificates(path);
    if (certificates.length > 0) return certificates;
  }
  return [];
}

function certificateFiles(directory: string): string[] {
  try {
    const names = readdirSync(directory).filter((name) => CERTIFICATE_FILE.test(name));
    return names.sort().slice(0, MOST_FILES).map((name) => join(directory, name));
  } catch {
    return [];
  }
}

function readableCertificates(path: string): readonly string[] {
  try {
    return readBounded(path).match(CERTIFICATE) ?? [];
  } catch {
    return [];
  }
}

function readBounded(path: string): string {
  const status = statSync(path);
  if (!status.isFile()) throw new RangeError("no regular file");
  if (status.size > LARGEST_FILE) throw new RangeError("too large");
  return readFileSync(path, "latin1");
}

/** One certificate that cannot be parsed would make Bun and Deno refuse all of them. */
function isUsable(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}
