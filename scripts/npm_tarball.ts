/**
 * Packs a folder as npm does.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { readdir, readFile, realpath } from "node:fs/promises";
import { gzipSync } from "node:zlib";

const BLOCK = 512;

/** The package in `folder` as a `.tgz`, without its `node_modules`; the same files give the same bytes. */
export async function npmTarball(folder: string): Promise<Uint8Array> {
  const real = await realpath(folder);
  const blocks: Uint8Array[] = [];
  for (const file of await filesIn(real, "")) {
    const bytes = await readFile(`${real}/${file}`);
    const isProgram = bytes[0] === 0x23 && bytes[1] === 0x21;
    blocks.push(
      tarHeader(`package/${file}`, bytes, isProgram),
      bytes,
      new Uint8Array(-bytes.length & (BLOCK - 1)),
    );
  }
  blocks.push(new Uint8Array(2 * BLOCK));
  return gzipSync(Buffer.concat(blocks), { level: 9 });
}

async function filesIn(root: string, folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(`${root}/${folder}`, { withFileTypes: true })) {
    const path = folder + entry.name;
    if (entry.isFile()) found.push(path);
    else if (entry.isDirectory() && entry.name !== "node_modules") {
      found.push(...await filesIn(root, `${path}/`));
    }
  }
  return found.sort();
}

/** The header of a regular file (POSIX ustar), of nobody and of no time. A program may be executed. */
export function tarHeader(path: string, bytes: Uint8Array, isProgram: boolean): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const put = (at: number, text: string) => block.set(new TextEncoder().encode(text), at);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0");
  const { prefix, name } = splitPath(path);
  put(0, name);
  put(100, `${octal(isProgram ? 0o755 : 0o644, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0`);
  put(124, `${octal(bytes.length, 11)}\0${octal(0, 11)}\0`);
  put(148, "        0");
  put(257, "ustar\x0000");
  put(345, prefix);
  // The checksum is taken with blanks in its own place.
  put(148, `${octal(block.reduce((sum, byte) => sum + byte, 0), 6)}\0 `);
  return block;
}

/** A name has room for 100 bytes; what comes before one of its slashes may stand in the prefix. */
function splitPath(path: string): { prefix: string; name: string } {
  if (path.length <= 100) return { prefix: "", name: path };
  const slash = path.indexOf("/", path.length - 101);
  if (slash < 0 || slash > 155) throw new Error(`Cannot pack ${path}: its name is too long`);
  return { prefix: path.slice(0, slash), name: path.slice(slash + 1) };
}
