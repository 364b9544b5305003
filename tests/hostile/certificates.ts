/**
 * Certificates for 127.0.0.1, good and bad, made afresh by `openssl`.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A certificate and its private key, in PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

export interface Certificates {
  /** The authority that signed all but the self-signed one, in PEM. */
  readonly authority: string;
  readonly good: Certificate;
  /** Ended yesterday. */
  readonly expired: Certificate;
  /** For `other.example`. */
  readonly wrongHost: Certificate;
  readonly selfSigned: Certificate;
}

const HERE = "IP:127.0.0.1,DNS:localhost";
const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/**
 * Makes one of each.
 *
 * @param here what the good ones are for, as a `subjectAltName`; default: this machine
 * @throws when there is no `openssl` command or it fails; the message says so
 */
export function makeCertificates(here: string = HERE): Certificates {
  const directory = mkdtempSync(join(tmpdir(), "certificates-"));
  const file = (name: string) => join(directory, name);
  const read = (name: string) => readFileSync(file(name), "utf8");
  const selfSign = (name: string, ...extensions: string[]) => {
    const added = extensions.flatMap((extension) => ["-addext", extension]);
    const request = ["req", "-x509", ...NEW_KEY, "-subj", `/CN=${name}`, "-days", "2", ...added];
    openssl([...request, "-keyout", file(`${name}.key`), "-out", file(`${name}.pem`)]);
  };
  const issue = (name: string, host: string, days: number): Certificate => {
    const request = ["req", ...NEW_KEY, "-subj", `/CN=${name}`];
    openssl([...request, "-keyout", file(`${name}.key`), "-out", file(`${name}.csr`)]);
    writeFileSync(file(`${name}.ext`), `subjectAltName=${host}\nbasicConstraints=CA:FALSE\n`);
    const authority = ["-CA", file("authority.pem"), "-CAkey", file("authority.key"), "-CAcreateserial"];
    const sign = ["x509", "-req", "-in", file(`${name}.csr`), ...authority, "-days", `${days}`];
    openssl([...sign, "-extfile", file(`${name}.ext`), "-out", file(`${name}.pem`)]);
    return { key: read(`${name}.key`), cert: read(`${name}.pem`) };
  };
  try {
    selfSign("authority", "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign");
    selfSign("self", `subjectAltName=${here}`, "basicConstraints=critical,CA:FALSE");
    return {
      authority: read("authority.pem"),
      good: issue("good", here, 2),
      expired: issue("expired", here, -1),
      wrongHost: issue("wrong", "DNS:other.example", 2),
      selfSigned: { key: read("self.key"), cert: read("self.pem") },
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function openssl(parameters: string[]): void {
  const { error, status, stderr } = spawnSync("openssl", parameters, { encoding: "utf8" });
  if (error) {
    throw new Error("These tests make their certificates with the openssl command, which is not there");
  }
  if (status !== 0) throw new Error(`openssl ${parameters[0]} failed: ${stderr}`);
}
