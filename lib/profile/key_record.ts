/**
 * The small file that says what opens a profile's master key: one or more slots, each with the master key encrypted
 * under the key of that slot. No secret by itself.
 *
 * ```
 * apex-token key record 1 SHA-256
 * {"id": "…", "slots": [{"kind": "passphrase", …, "wrapped": "…"}]}
 * ```
 *
 * The digest in the first line is over the rest. It keeps no attacker out (the envelope around each wrapped key does
 * that); it tells a damaged record from a passphrase that is wrong, because a person does different things about them.
 *
 * @module
 */

import * as v from "valibot";
import { toHex } from "../bytes.ts";
import { isTokenError, TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { readPrivateFile, removePrivateFile, writePrivateFileAtomically } from "../host/private_files.ts";
import { safeText } from "../safe_text.ts";
import { checkProfileName } from "./profile.ts";

const LIMIT = 64 * 1024;
const MAGIC = "apex-token key record";
const whole = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1 << 21));
const base64 = v.pipe(v.string(), v.regex(/^[\w+/=\n-]+$/), v.maxLength(16 * 1024));

const slot = v.variant("kind", [
  v.strictObject({ kind: v.literal("key-file"), path: v.string(), wrapped: base64 }),
  v.strictObject({ kind: v.literal("keyring"), note: v.optional(base64), wrapped: base64 }),
  v.strictObject({ kind: v.literal("systemd-creds"), note: v.optional(base64), wrapped: base64 }),
  v.strictObject({
    kind: v.literal("passphrase"),
    derivation: v.variant("kdf", [
      v.strictObject({ kdf: v.literal("argon2id"), memory: whole, passes: whole, lanes: whole }),
      v.strictObject({ kdf: v.literal("scrypt"), logN: whole, r: whole, p: whole }),
    ]),
    salt: base64,
    wrapped: base64,
  }),
]);

const schema = v.strictObject({
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
  slots: v.pipe(v.array(slot), v.minLength(1), v.maxLength(16)),
});

/** Which slots open the master key of a profile. */
export type KeyRecord = v.InferOutput<typeof schema>;
/** One way to the master key. */
export type KeySlot = KeyRecord["slots"][number];

/** Where the key record of a profile is. */
export function keyRecordPath(host: Host, name: string): string {
  return `${host.directories.data}/keys/${checkProfileName(name)}`;
}

/**
 * The key record of a profile, if there is one.
 *
 * @throws {TokenError} `key` when it is damaged, `storage` when it cannot be read or a newer release wrote it
 */
export async function readKeyRecord(host: Host, name: string): Promise<KeyRecord | undefined> {
  const path = keyRecordPath(host, name);
  const bytes = readPrivateFile(path, { limit: LIMIT });
  return bytes && await decodeKeyRecord(bytes, path, name);
}

/**
 * The key record of a profile, unless it is damaged: a new sign-in makes another.
 *
 * @throws {TokenError} `storage`
 */
export async function readWholeKeyRecord(host: Host, name: string): Promise<KeyRecord | undefined> {
  try {
    return await readKeyRecord(host, name);
  } catch (error) {
    if (!isTokenError(error) || error.code !== "key") throw error;
    return undefined;
  }
}

/** Writes it in place of the one that is there, all at once. */
export async function writeKeyRecord(host: Host, name: string, record: KeyRecord): Promise<void> {
  writePrivateFileAtomically(keyRecordPath(host, name), await encodeKeyRecord(record));
}

/** Forgets it, and with it everything that it opens. */
export function removeKeyRecord(host: Host, name: string): boolean {
  return removePrivateFile(keyRecordPath(host, name));
}

/** The bytes of a record. */
export async function encodeKeyRecord(record: KeyRecord): Promise<Uint8Array> {
  const body = JSON.stringify(record, undefined, 1) + "\n";
  return new TextEncoder().encode(`${MAGIC} 1 ${await digest(body)}\n${body}`);
}

/**
 * The record in those bytes.
 *
 * @throws {TokenError} `key` when they are damaged, `storage` when a newer release wrote them
 */
export async function decodeKeyRecord(bytes: Uint8Array, path: string, name: string): Promise<KeyRecord> {
  const text = new TextDecoder().decode(bytes);
  const end = text.indexOf("\n");
  const body = text.slice(end + 1);
  const [, version, sum] = /^apex-token key record (\d+) ([0-9a-f]{64})$/.exec(text.slice(0, end)) ?? [];
  // first the digest: a damaged version is no newer release
  if (sum !== undefined && sum === await digest(body)) {
    if (Number(version) > 1) {
      const shown = safeText(path, 1000);
      throw new TokenError(
        "storage",
        `Cannot read the key record ${shown}: it was written by a newer release`,
        {
          nextStep: "Install the newest release of apex-token",
        },
      );
    }
    const record = v.safeParse(schema, parsed(body));
    if (version === "1" && record.success) return record.output;
  }
  throw new TokenError("key", `Cannot read the key record ${safeText(path, 1000)}: it is damaged`, {
    nextStep: `Put it back from a backup, or sign in again: apex-token login ${name}`,
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function digest(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return toHex(new Uint8Array(hash));
}
