/**
 * How a file store names and frames its files. Pure, so that a reader with other calls of the system can share it.
 *
 * The frame around a value, all numbers big-endian:
 *
 * | offset | bytes | what |
 * | --- | --- | --- |
 * | 0 | 4 | magic: `APXG` in ASCII |
 * | 4 | 1 | version: 1 |
 * | 5 | 1 | kind: 0 a value, 1 the mark that the value was removed |
 * | 6 | 2 | zeros |
 * | 8 | 4 | length of the value |
 * | 12 | 4 | CRC-32 (as in gzip) over the bytes before it and the value |
 * | 16 | | the value |
 * | | | zeros, if any: the file was made before its value was known |
 *
 * The frame tells a file that a power cut left torn or filled with zeros from a whole one, whatever is inside.
 *
 * @module
 */

import { TokenError } from "../errors.ts";

/** What is in a generation file. */
export interface Generation {
  /** The value; nothing where it was removed. */
  readonly value?: Uint8Array;
}

/** The bytes that a frame adds to a value. */
export const FRAME_LENGTH: number = 16;

const MAGIC = [0x41, 0x50, 0x58, 0x47];
const VERSION = 1;
const REMOVED = 1;

/** The name of the file of generation `generation`. */
export function generationFileName(generation: number): string {
  return `g-${generation}`;
}

/** The generation that a file of this name holds, or nothing when it is not such a file. */
export function generationOf(fileName: string): number | undefined {
  const match = /^g-([1-9]\d{0,14})$/.exec(fileName);
  return match ? Number(match[1]) : undefined;
}

/** The name under which a file waits to become generation `generation`. */
export function waitingFileName(generation: number, unique: string): string {
  return `t-${generation}-${unique}`;
}

/** The generation that a waiting file wants to become, or nothing when it is not such a file. */
export function waitingFor(fileName: string): number | undefined {
  const match = /^t-([1-9]\d{0,14})-/.exec(fileName);
  return match ? Number(match[1]) : undefined;
}

/**
 * The name of the directory for `key`: everything outside `A-Z a-z 0-9 . _ -` percent-encoded.
 *
 * @throws {TokenError} `invalid_argument` when no directory can be named so
 */
export function directoryName(key: string): string {
  if (key === "" || !key.isWellFormed()) {
    throw new TokenError("invalid_argument", "Cannot name a file for an empty or malformed key");
  }
  // The two names that a file system has taken already.
  if (key === "." || key === "..") return "%2E".repeat(key.length);
  const name = key.replace(
    /[^A-Za-z0-9._-]/gu,
    (character) =>
      [...new TextEncoder().encode(character)]
        .map((byte) => "%" + byte.toString(16).toUpperCase().padStart(2, "0")).join(""),
  );
  if (name.length > 255) {
    throw new TokenError("invalid_argument", "Cannot name a file for a key of more than 255 bytes", {
      nextStep: "Use a shorter name",
    });
  }
  return name;
}

/** Puts the frame around a value, or around its absence. */
export function frame(generation: Generation): Uint8Array {
  const value = generation.value ?? new Uint8Array();
  const bytes = new Uint8Array(FRAME_LENGTH + value.length);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  bytes[4] = VERSION;
  bytes[5] = generation.value ? 0 : REMOVED;
  view.setUint32(8, value.length);
  bytes.set(value, FRAME_LENGTH);
  view.setUint32(12, crc32(bytes));
  return bytes;
}

/**
 * Takes the frame off.
 *
 * @returns what was framed, or nothing when the bytes are not whole
 * @throws {TokenError} `storage` when a newer release wrote them
 */
export function unframe(bytes: Uint8Array): Generation | undefined {
  if (bytes.length < FRAME_LENGTH || MAGIC.some((byte, index) => bytes[index] !== byte)) return undefined;
  // First of all: a newer frame may end in another checksum, and must not pass for a torn one.
  if (bytes[4] > VERSION) {
    throw new TokenError("storage", "Cannot read the store: it was written by a newer release", {
      nextStep: "Install the newest release of apex-token",
    });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = FRAME_LENGTH + view.getUint32(8);
  if (end > bytes.length || view.getUint32(12) !== crc32(bytes.subarray(0, end))) return undefined;
  for (let at = end; at < bytes.length; at++) if (bytes[at] !== 0) return undefined;
  return bytes[5] === REMOVED ? {} : { value: bytes.slice(FRAME_LENGTH, end) };
}

/** CRC-32 over a frame without its own four bytes. The table takes half a byte a time: small, and fast enough. */
function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (let index = 0; index < bytes.length; index++) {
    if (index === 12) index = FRAME_LENGTH;
    if (index === bytes.length) break;
    crc ^= bytes[index];
    crc = (crc >>> 4) ^ HALF_BYTES[crc & 15];
    crc = (crc >>> 4) ^ HALF_BYTES[crc & 15];
  }
  return ~crc >>> 0;
}

const HALF_BYTES = Array.from({ length: 16 }, (_, value) => {
  for (let bit = 0; bit < 4; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  return value;
});
