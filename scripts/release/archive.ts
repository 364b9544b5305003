/**
 * Archives that are the same bytes whenever and by whomever they are made.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { crc32, deflateRawSync, gzipSync } from "node:zlib";
import { tarHeader } from "../npm_tarball.ts";

/** A file of an archive. */
export interface ArchiveFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly isProgram?: boolean;
}

/** A `.tar.gz`. */
export function tarGz(files: readonly ArchiveFile[]): Uint8Array {
  const blocks = files.flatMap(({ path, bytes, isProgram }) => [
    tarHeader(path, bytes, isProgram ?? false),
    bytes,
    new Uint8Array(-bytes.length & 511),
  ]);
  return gzipSync(Buffer.concat([...blocks, new Uint8Array(1024)]), { level: 6 });
}

/** Midnight of the first day that a `.zip` knows: 1980-01-01. */
const DATE = 0x21;
/** 2.0, made on Unix, so that modes are kept. */
const MADE_BY = 0x0314;

/** A `.zip`. */
export function zip(files: readonly ArchiveFile[]): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const { path, bytes, isProgram } of files) {
    const name = Buffer.from(path);
    const packed = deflateRawSync(bytes, { level: 6 });
    const common = [
      ...[u16(20), u16(0x800), u16(8), u16(0), u16(DATE), u32(crc32(bytes))],
      ...[u32(packed.length), u32(bytes.length), u16(name.length), u16(0)],
    ];
    const entry = Buffer.concat([u32(0x04034b50), ...common, name, packed]);
    const mode = (0o100000 | (isProgram ? 0o755 : 0o644)) * 0x10000;
    directory.push(Buffer.concat([
      ...[u32(0x02014b50), u16(MADE_BY), ...common],
      ...[u16(0), u16(0), u16(0), u32(mode), u32(at), name],
    ]));
    parts.push(entry);
    at += entry.length;
  }
  const index = Buffer.concat(directory);
  const count = u16(files.length);
  const end = [u32(0x06054b50), u16(0), u16(0), count, count, u32(index.length), u32(at), u16(0)];
  return Buffer.concat([...parts, index, ...end]);
}

function u16(value: number): Uint8Array {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}
