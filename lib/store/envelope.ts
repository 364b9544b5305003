/**
 * The envelope in which any store keeps a secret: format "apex-store v1", Web Crypto only. It is opened on the path of
 * a cached `get`: what a process touches for the first time costs it more there than what it computes, so that the
 * plainest means are taken (no DataView, no BigInt, no callback).
 *
 * | offset | bytes | what |
 * | --- | --- | --- |
 * | 0 | 10 | magic: `apex-store` in ASCII |
 * | 10 | 1 | version: 1 |
 * | 11 | 8 | generation, big-endian |
 * | 19 | 32 | salt, random for each write |
 * | 51 | 32 | slot-set hash: the ways to the master key, zeros where there is only one |
 * | 83 | 32 | commitment: HMAC-SHA-256 over the bytes before it |
 * | 115 | 4 | checksum (FNV-1a, big-endian) over the bytes before it |
 * | 119 | n × 1024 + 16 | AES-256-GCM of the padded plaintext, with its tag |
 *
 * The padded plaintext is its length (4 bytes, big-endian), the plaintext, and zeros up to the next KiB, so that the
 * size of a record does not tell the size of a token. Record key, nonce and commitment key come out of one
 * HKDF-SHA-256 of the master key (RFC 5869), salted anew for each write: no nonce is ever used twice under a key, and
 * nothing has to be counted. The commitment ties a record to one key, which AES-GCM by itself does not.
 *
 * The checksum keeps no attacker out; it tells a damaged record from a key that does not fit, because a person does
 * different things about them. That the newest record was put back to an older one can only be seen by a caller who
 * remembers the generation.
 *
 * @module
 */

import { TokenError } from "../errors.ts";

/** What a sealed record is bound to: it opens only under the same names. */
export interface SealContext {
  /** The store that the record belongs to. */
  storeId: string;
  /** The name of the record in its store. */
  recordId: string;
  /** How often the record was written: 1 for the first time. */
  generation: number;
  /** A hash, 32 bytes, over the ways in which the master key can be reached. Default: zeros. */
  slots?: Uint8Array;
}

/** Encrypts one plaintext: the ciphertext, and its tag (16 bytes) behind it. */
export type Encryption = (plaintext: Uint8Array<ArrayBuffer>) => Uint8Array | Promise<Uint8Array>;

/** Makes AES-256-GCM ready for one plaintext. No key comes twice, so that no nonce does under a key. */
export type Cipher = (
  key: Uint8Array<ArrayBuffer>,
  nonce: Uint8Array<ArrayBuffer>,
  additionalData: Uint8Array<ArrayBuffer>,
) => Encryption | Promise<Encryption>;

const MAGIC = new TextEncoder().encode("apex-store");
const VERSION = 1;
const VERSION_AT = 10;
const GENERATION_AT = 11;
const SALT_AT = 19;
const SLOTS_AT = 51;
const COMMITMENT_AT = 83;
const CHECKSUM_AT = 115;
const HEADER = 119;
const STEP = 1024;
const TAG = 16;
const HMAC_SHA256 = { name: "HMAC", hash: "SHA-256" };

/**
 * Encrypts `plaintext` under the master key.
 *
 * @param key the master key, 32 bytes
 * @param context what the record is bound to
 * @throws {TokenError} `key` when `key` is not 32 bytes; `invalid_argument` when the context cannot be written down
 */
export async function seal(
  key: Uint8Array,
  context: SealContext,
  plaintext: Uint8Array,
): Promise<Uint8Array> {
  return await (await sealer(key, context))(plaintext);
}

/**
 * Everything of {@linkcode seal} that can be done before the plaintext is there. What it returns seals once: a second
 * record under its salt would have the same key and the same nonce.
 *
 * @param cipher Default: that of Web Crypto
 * @throws {TokenError} as {@linkcode seal}
 */
export async function sealer(
  key: Uint8Array,
  context: SealContext,
  cipher: Cipher = webCipher,
): Promise<(plaintext: Uint8Array) => Promise<Uint8Array>> {
  const slots = context.slots ?? new Uint8Array(32);
  if (slots.length !== 32) {
    throw new TokenError("invalid_argument", "Cannot seal a record: the slot-set hash is not 32 bytes long");
  }
  if (!Number.isSafeInteger(context.generation) || context.generation < 0) {
    throw new TokenError("invalid_argument", "Cannot seal a record: the generation is not a whole number");
  }
  const header = new Uint8Array(HEADER);
  header.set(MAGIC);
  header[VERSION_AT] = VERSION;
  writeUint32(header, GENERATION_AT, context.generation / 2 ** 32);
  writeUint32(header, GENERATION_AT + 4, context.generation);
  crypto.getRandomValues(header.subarray(SALT_AT, SLOTS_AT));
  header.set(slots, SLOTS_AT);

  const derived = await derive(await imported(key), context.storeId, header.subarray(SALT_AT, SLOTS_AT));
  const [encrypt, commitmentKey] = await Promise.all([
    cipher(derived.recordKey, derived.nonce, boundTo(context, header)),
    crypto.subtle.importKey("raw", derived.commitmentKey, HMAC_SHA256, false, ["sign"]),
  ]);
  const commitment = await crypto.subtle.sign("HMAC", commitmentKey, header.subarray(0, COMMITMENT_AT));
  header.set(new Uint8Array(commitment), COMMITMENT_AT);
  writeUint32(header, CHECKSUM_AT, checksum(header));
  return async (plaintext) => {
    const encrypted = await encrypt(pad(plaintext));
    const sealed = new Uint8Array(HEADER + encrypted.length);
    sealed.set(header);
    sealed.set(encrypted, HEADER);
    return sealed;
  };
}

async function webCipher(...[key, iv, additionalData]: Parameters<Cipher>): Promise<Encryption> {
  const imported = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
  return async (plaintext) =>
    new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData }, imported, plaintext));
}

/**
 * Decrypts what {@linkcode seal} made.
 *
 * @param key the master key, 32 bytes
 * @param context what the record must be bound to; with `generation`, only that one
 * @returns the plaintext and the generation under which it was sealed
 * @throws {TokenError} `key` when the key is not the one that sealed the record; `storage` when the record is
 * broken, belongs under another name, is of another generation, or was written by a newer release
 */
export async function open(
  key: Uint8Array,
  context: Omit<SealContext, "generation" | "slots"> & { generation?: number },
  sealed: Uint8Array,
): Promise<{ plaintext: Uint8Array; generation: number }> {
  const bytes = new Uint8Array(sealed);
  const master = await imported(key);
  // another thread does this while the header is looked at here
  const deriving = derive(master, context.storeId, bytes.subarray(SALT_AT, SLOTS_AT));
  const generation = readHeader(bytes);
  if (context.generation !== undefined && context.generation !== generation) {
    throw new TokenError(
      "storage",
      `Cannot open the record: it is generation ${generation} where ${context.generation} was expected`,
      { nextStep: "Another copy was put in its place: sign in again with `apex-token login`" },
    );
  }
  const additionalData = boundTo(context, bytes);
  const { subtle } = crypto;
  const derived = await deriving;
  const importing = subtle.importKey("raw", derived.commitmentKey, HMAC_SHA256, false, ["verify"]);
  const recordKey = await subtle.importKey("raw", derived.recordKey, "AES-GCM", false, ["decrypt"]);
  // Both at once, but nothing that was decrypted is used before the commitment fits: a tag alone may fit under two
  // keys. `verify` compares in constant time.
  const decrypting = subtle.decrypt(
    { name: "AES-GCM", iv: derived.nonce, additionalData },
    recordKey,
    bytes.subarray(HEADER),
  ).then((padded) => new Uint8Array(padded), () => undefined);
  const commitment = bytes.subarray(COMMITMENT_AT, CHECKSUM_AT);
  if (!await subtle.verify("HMAC", await importing, commitment, bytes.subarray(0, COMMITMENT_AT))) {
    throw new TokenError(
      "key",
      "Cannot open the record: it was sealed with another key, or for another store",
      {
        nextStep: "Put the key back with which it was written, or sign in again with `apex-token login`",
      },
    );
  }
  const padded = await decrypting;
  if (!padded) throw broken("its content was changed, or it belongs under another name");
  return { plaintext: unpad(padded), generation };
}

async function imported(key: Uint8Array): Promise<CryptoKey> {
  if (key.length !== 32) {
    throw new TokenError("key", `Cannot use the key: it has ${key.length} bytes and should have 32`, {
      nextStep: "Put the key back with which the records were written",
    });
  }
  return await crypto.subtle.importKey("raw", new Uint8Array(key), "HKDF", false, ["deriveBits"]);
}

/**
 * One HKDF (RFC 5869) for everything that a record needs. Its output is one pseudorandom stream of 76 bytes, and
 * pieces of it that do not overlap are independent keys; three derivations with three labels would give no more and
 * cost two more calls on the path of a cached token.
 */
async function derive(
  master: CryptoKey,
  storeId: string,
  salt: Uint8Array<ArrayBuffer>,
): Promise<Record<"recordKey" | "nonce" | "commitmentKey", Uint8Array<ArrayBuffer>>> {
  const info = new TextEncoder().encode(`apex-store v1|rec|${storeId}`);
  const bits = await crypto.subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt, info }, master, 76 * 8);
  return {
    recordKey: new Uint8Array(bits, 0, 32),
    nonce: new Uint8Array(bits, 32, 12),
    commitmentKey: new Uint8Array(bits, 44, 32),
  };
}

/**
 * The associated data: magic, version, store, record, generation, slot-set hash. Each name comes after its length,
 * so that no two pairs of names read the same.
 */
function boundTo(
  { storeId, recordId }: Pick<SealContext, "storeId" | "recordId">,
  header: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const store = new TextEncoder().encode(storeId);
  const record = new TextEncoder().encode(recordId);
  const data = new Uint8Array(GENERATION_AT + 4 + store.length + 4 + record.length + 8 + 32);
  let at = GENERATION_AT;
  data.set(header.subarray(0, GENERATION_AT));
  for (const name of [store, record]) {
    writeUint32(data, at, name.length);
    data.set(name, at + 4);
    at += 4 + name.length;
  }
  data.set(header.subarray(GENERATION_AT, SALT_AT), at);
  data.set(header.subarray(SLOTS_AT, COMMITMENT_AT), at + 8);
  return data;
}

/** Checks everything that can be checked without the key, and returns the generation. */
function readHeader(bytes: Uint8Array<ArrayBuffer>): number {
  if (bytes.length <= VERSION_AT || !isOurs(bytes)) {
    throw broken("it does not begin like a record of this package");
  }
  if (bytes[VERSION_AT] > VERSION) {
    throw new TokenError("storage", "Cannot open the record: it was written by a newer release", {
      nextStep: "Install the newest release of apex-token",
    });
  }
  const body = bytes.length - HEADER - TAG;
  if (bytes[VERSION_AT] !== VERSION || body < STEP || body % STEP !== 0) {
    throw broken("it has not the form of a record");
  }
  if (readUint32(bytes, CHECKSUM_AT) !== checksum(bytes)) throw broken("its header is damaged");
  return readUint32(bytes, GENERATION_AT) * 2 ** 32 + readUint32(bytes, GENERATION_AT + 4);
}

function isOurs(bytes: Uint8Array): boolean {
  for (let index = 0; index < MAGIC.length; index++) if (bytes[index] !== MAGIC[index]) return false;
  return true;
}

function pad(plaintext: Uint8Array): Uint8Array<ArrayBuffer> {
  const padded = new Uint8Array(Math.ceil((4 + plaintext.length) / STEP) * STEP);
  writeUint32(padded, 0, plaintext.length);
  padded.set(plaintext, 4);
  return padded;
}

function unpad(padded: Uint8Array<ArrayBuffer>): Uint8Array {
  const length = readUint32(padded, 0);
  if (4 + length > padded.length) throw broken("its padding is not as it should be");
  return padded.subarray(4, 4 + length);
}

/** Of the header, with FNV-1a, 32 bits: a few lines, and no single damaged byte gets past it. */
function checksum(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < CHECKSUM_AT; index++) hash = Math.imul(hash ^ bytes[index], 0x01000193);
  return hash >>> 0;
}

function readUint32(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24 | bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3]) >>> 0;
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  for (let shift = 24; shift >= 0; shift -= 8) bytes[at++] = value >>> shift;
}

function broken(what: string): TokenError {
  return new TokenError("storage", `Cannot open the record: it is broken, ${what}`, {
    nextStep: "Put it back from a backup, or sign in again with `apex-token login`",
  });
}
