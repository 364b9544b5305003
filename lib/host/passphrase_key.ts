/**
 * A key out of a passphrase: Argon2id (RFC 9106) by the runtime, in WebAssembly where it has none; scrypt (RFC 7914) where
 * that is missing too. What one runtime wrote every other one reads.
 *
 * @module
 */

import * as crypto_ from "node:crypto";
import { TokenError } from "../errors.ts";

/** How a key was derived; no secret. */
export type Derivation =
  | { readonly kdf: "argon2id"; readonly memory: number; readonly passes: number; readonly lanes: number }
  | { readonly kdf: "scrypt"; readonly logN: number; readonly r: number; readonly p: number };

/** 64 MiB and three passes: a quarter of a second here, and above what OWASP asks for. */
const ARGON2ID: Derivation = { kdf: "argon2id", memory: 65_536, passes: 3, lanes: 1 };
/** 128 MiB, half a second: OWASP's minimum. */
const SCRYPT: Derivation = { kdf: "scrypt", logN: 17, r: 8, p: 1 };

type Argon2id = Extract<Derivation, { kdf: "argon2id" }>;

/** A way to Argon2id. Gives nothing where this runtime does not have it. */
export type Argon2Engine = (
  secret: Uint8Array,
  salt: Uint8Array,
  derivation: Argon2id,
) => Promise<Uint8Array | undefined>;

/** The ways, the quickest first: Node has all since 24.7, Bun the first, Deno the second, Node 22 the last. */
export const argon2Engines: Readonly<Record<"node" | "web" | "webassembly", Argon2Engine>> = {
  node: byNode,
  web: byWeb,
  webassembly: byWebAssembly,
};

/** The derivation for a new passphrase: the strongest that there is here. */
export async function newDerivation(): Promise<Derivation> {
  const hasOwn = nodeArgon2() || await webArgon2(new Uint8Array(1));
  return hasOwn || hasWebAssembly() ? ARGON2ID : SCRYPT;
}

/**
 * The key of 32 bytes that a passphrase gives.
 *
 * @param salt 16 bytes
 * @throws {TokenError} `key` when this runtime cannot do that derivation, or when its cost is beyond all reason: a
 * record that somebody tampered with must not eat the memory
 */
export async function keyFromPassphrase(
  passphrase: string,
  salt: Uint8Array,
  derivation: Derivation,
): Promise<Uint8Array> {
  const secret = new TextEncoder().encode(passphrase.normalize("NFC"));
  if (derivation.kdf === "scrypt") return await scrypt(secret, salt, derivation);
  const { memory, passes, lanes } = derivation;
  if (memory > 1024 * 1024 || passes > 10 || lanes > 16) throw beyondReason();
  for (const engine of Object.values(argon2Engines)) {
    const key = await engine(secret, salt, derivation);
    if (key) return key;
  }
  throw new TokenError("key", "Cannot derive the key: this runtime has no Argon2id", {
    nextStep: "Use the apex-token binary, Deno, Bun, or Node with WebAssembly",
  });
}

type NodeArgon2 = (
  algorithm: "argon2id",
  parameters:
    & { message: Uint8Array; nonce: Uint8Array; tagLength: number }
    & Record<
      "memory" | "passes" | "parallelism",
      number
    >,
  callback: (error: unknown, key: Uint8Array) => void,
) => void;

function nodeArgon2(): NodeArgon2 | undefined {
  return (crypto_ as unknown as { argon2?: NodeArgon2 }).argon2;
}

function byNode(
  secret: Uint8Array,
  salt: Uint8Array,
  { memory, passes, lanes }: Argon2id,
): Promise<Uint8Array | undefined> {
  const argon2 = nodeArgon2();
  if (!argon2) return Promise.resolve(undefined);
  const parameters = { message: secret, nonce: salt, memory, passes, parallelism: lanes, tagLength: 32 };
  return new Promise((resolve, reject) =>
    argon2("argon2id", parameters, (error, key) => error ? reject(failed()) : resolve(new Uint8Array(key)))
  );
}

async function byWeb(
  secret: Uint8Array,
  salt: Uint8Array,
  { memory, passes, lanes }: Argon2id,
): Promise<Uint8Array | undefined> {
  const key = await webArgon2(secret);
  if (!key) return undefined;
  const algorithm = { name: "Argon2id", nonce: salt, memory, passes, parallelism: lanes };
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, key, 256));
}

async function webArgon2(secret: Uint8Array): Promise<CryptoKey | undefined> {
  try {
    const format = "raw-secret" as "raw";
    return await crypto.subtle.importKey(format, new Uint8Array(secret), "Argon2id", false, ["deriveBits"]);
  } catch {
    return undefined;
  }
}

function hasWebAssembly(): boolean {
  return "WebAssembly" in globalThis;
}

async function byWebAssembly(
  secret: Uint8Array,
  salt: Uint8Array,
  { memory, passes, lanes }: Argon2id,
): Promise<Uint8Array | undefined> {
  if (!hasWebAssembly()) return undefined;
  const { argon2InWebAssembly } = await import("./argon2_in_webassembly.ts");
  try {
    return await argon2InWebAssembly(secret, salt, {
      variant: "argon2id",
      memory,
      passes,
      lanes,
      length: 32,
    });
  } catch {
    throw failed();
  }
}

function scrypt(
  secret: Uint8Array,
  salt: Uint8Array,
  { logN, r, p }: Derivation & { kdf: "scrypt" },
): Promise<Uint8Array> {
  if (logN > 20 || r > 16 || p > 4) throw beyondReason();
  const N = 2 ** logN;
  return new Promise((resolve, reject) =>
    crypto_.scrypt(
      secret,
      salt,
      32,
      { N, r, p, maxmem: 256 * N * r },
      (error, key) => error ? reject(failed()) : resolve(new Uint8Array(key)),
    )
  );
}

function beyondReason(): TokenError {
  return new TokenError(
    "key",
    "Cannot derive the key: the record asks for more work than it could ever have",
    {
      nextStep: "Put the key record back from a backup, or sign in again with `apex-token login`",
    },
  );
}

function failed(): TokenError {
  return new TokenError("key", "Cannot derive the key: there is not enough memory for it", {
    nextStep: "Free some memory, then try again",
  });
}
