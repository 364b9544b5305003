/**
 * A Keycloak on loopback, with TLS by an authority of its own and its database in memory.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { makeCertificates } from "../../hostile/certificates.ts";
import type { Java } from "./java.ts";

/** How to start it. */
export interface KeycloakOptions {
  /** Where it is unpacked. */
  readonly folder: string;
  readonly java: Java;
  /** Where it asks people to sign in on their other device. */
  readonly deviceUri: string;
  /** For certificates; the caller removes it. */
  readonly scratch: string;
}

/** A Keycloak that listens. */
export interface RunningKeycloak {
  /** `https://127.0.0.1:PORT`. */
  readonly origin: string;
  /** The certificate of the authority that signed its certificate, in PEM, and the file that holds it. */
  readonly authority: string;
  readonly authorityFile: string;
  /** Its administrator. */
  readonly admin: { readonly username: string; readonly password: string };
  /** What it has logged so far. */
  log(): string;
  close(): Promise<void>;
}

/** It takes 10 s on a quiet machine, and two minutes on one that has ten other things to do. */
const PATIENCE = 1_200_000;

/**
 * Starts it and waits until it listens.
 *
 * @throws when it ends or does not listen in time; the message has the end of its log
 */
export async function startKeycloak(
  { folder, java, deviceUri, scratch }: KeycloakOptions,
): Promise<RunningKeycloak> {
  const { authority, good } = makeCertificates();
  const file = (name: string, text: string): string => {
    writeFileSync(join(scratch, name), text, { mode: 0o600 });
    return join(scratch, name);
  };
  const admin = { username: "administrator", password: crypto.randomUUID() };
  const authorityFile = file("authority.pem", authority);
  const options = [
    ...["--cache=local", "--http-host=127.0.0.1", "--https-port=0", "--hostname-strict=false"],
    `--https-certificate-file=${file("keycloak.pem", good.cert)}`,
    `--https-certificate-key-file=${file("keycloak.key", good.key)}`,
    `--spi-ciba-auth-channel--ciba-http-auth-channel--http-authentication-channel-uri=${deviceUri}`,
  ];
  const child = spawn("sh", [join(folder, "bin/kc.sh"), "start", "--optimized", ...options], {
    cwd: scratch,
    env: {
      PATH: process.env.PATH ?? "",
      HOME: scratch,
      JAVA_HOME: java.home,
      // it lives for minutes: what takes long to optimise is not worth it
      JAVA_OPTS_APPEND: "-XX:TieredStopAtLevel=1",
      JAVA_OPTS_KC_HEAP: "-Xms128m -Xmx768m",
      KC_BOOTSTRAP_ADMIN_USERNAME: admin.username,
      KC_BOOTSTRAP_ADMIN_PASSWORD: admin.password,
    },
    stdio: ["ignore", "pipe", "pipe"],
    // a group of its own: kc.sh starts Java
    detached: true,
  });
  const log = { text: "" };
  const end = endOf(child);
  const origin = await listening(child, log).catch(async (error) => {
    await end();
    throw error;
  });
  return { origin, authority, authorityFile, admin, log: () => log.text, close: end };
}

function listening(child: ChildProcess, log: { text: string }): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (what: string) => {
      clearTimeout(timer);
      reject(new Error(`Cannot start Keycloak: ${what}\n${log.text.split("\n").slice(-30).join("\n")}`));
    };
    const timer = setTimeout(() => fail(`it did not listen after ${PATIENCE / 1000} s`), PATIENCE);
    const read = (chunk: Uint8Array) => {
      log.text += new TextDecoder().decode(chunk);
      const origin = /Listening on: (https:\/\/127\.0\.0\.1:\d+)/.exec(log.text)?.[1];
      if (origin === undefined) return;
      clearTimeout(timer);
      resolve(origin);
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.on("error", (error) => fail(error.message));
    child.on("exit", (code) => fail(`it ended with exit code ${code}`));
  });
}

/** Ends it with all that it started, and waits until it is gone. */
function endOf(child: ChildProcess): () => Promise<void> {
  const ended = new Promise<void>((resolve) => {
    child.on("close", () => resolve());
    child.on("error", () => resolve());
  });
  return async () => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      try {
        process.kill(-child.pid, "SIGKILL"); // it has nothing that is worth keeping
      } catch {
        // it has just ended
      }
    }
    await ended;
  };
}
