/**
 * Account files that a person's gpg opens and closes, through the program `gpg`.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { Buffer } from "node:buffer";
import process from "node:process";
import { TokenError } from "../errors.ts";
import { safeText } from "../safe_text.ts";

/** The most that is read from gpg, in bytes. */
const LIMIT = 4 * 1024 * 1024;

const BEGIN = "-----BEGIN PGP MESSAGE-----";
const END = "-----END PGP MESSAGE-----";

/** Whether a file is one for gpg. */
export function isPgpMessage(text: string): boolean {
  return text.trimStart().startsWith(BEGIN);
}

/**
 * Opens a message. gpg asks for the passphrase where it is used to.
 *
 * @throws {TokenError} `key` when gpg does not open it
 */
export async function openPgpMessage(text: string): Promise<string> {
  return await gpg(["--quiet", "--decrypt"], messageIn(text), "open the account");
}

/**
 * Closes a text for a key of the person's key ring.
 *
 * @throws {TokenError} `key` when gpg does not know that key
 */
export async function sealPgpMessage(text: string, recipient: string): Promise<string> {
  // whom it is for was said by the person, or by the file that is written anew
  const args = [
    "--quiet",
    "--batch",
    "--trust-model",
    "always",
    "--armor",
    "--encrypt",
    "--recipient",
    recipient,
  ];
  return (await gpg(args, text, "write the account")).trimEnd();
}

/** The key that a message is for: the key id of its first packet (RFC 9580 section 5.1.1). */
export function recipientOf(text: string): string | undefined {
  const body = messageIn(text).split(/\r?\n\r?\n/)[1] ?? "";
  const bytes = Buffer.from(body.split("\n").filter((line) => !/^[=-]/.test(line)).join(""), "base64");
  const packet = packetBody(bytes);
  // version 3 of a public-key encrypted session key
  if (packet?.tag !== 1 || packet.body[0] !== 3) return undefined;
  return packet.body.subarray(1, 9).toString("hex").toUpperCase();
}

function packetBody(bytes: Buffer): { tag: number; body: Buffer } | undefined {
  if (bytes.length < 16) return undefined;
  const isNew = (bytes[0] & 0x40) !== 0;
  const tag = isNew ? bytes[0] & 0x3f : (bytes[0] >> 2) & 0x0f;
  const lengthBytes = isNew ? (bytes[1] < 192 ? 1 : bytes[1] < 224 ? 2 : 5) : [1, 2, 4, 0][bytes[0] & 3];
  return { tag, body: bytes.subarray(1 + lengthBytes) };
}

/** The message without what follows it: the line that says which version wrote the file. */
function messageIn(text: string): string {
  const end = text.indexOf(END);
  return end === -1 ? text : text.slice(0, end + END.length) + "\n";
}

async function gpg(args: readonly string[], input: string, purpose: string): Promise<string> {
  const child = spawn("gpg", args, { stdio: ["pipe", "pipe", "pipe"], env: process.env });
  const output: Uint8Array[] = [];
  let complaint = "";
  let length = 0;
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  child.stdout.on("data", (chunk: Uint8Array) => {
    length += chunk.length;
    if (length > LIMIT) child.kill();
    else output.push(chunk);
  });
  child.stderr.on("data", (chunk: Uint8Array) => complaint += new TextDecoder().decode(chunk).slice(0, 2000));
  const code = await new Promise<number>((resolve, reject) => {
    child.on("error", () => reject(missing(purpose)));
    child.on("close", (code) => resolve(code ?? 1));
  });
  if (code === 0 && length <= LIMIT) return Buffer.concat(output).toString();
  const [why = "it gave no reason"] = complaint.trim().split("\n").slice(-1);
  throw new TokenError("key", `Cannot ${purpose}: gpg says "${safeText(why, 300)}"`, {
    nextStep: "Check the key: gpg --list-secret-keys",
  });
}

function missing(purpose: string): TokenError {
  return new TokenError("key", `Cannot ${purpose}: the program gpg cannot be started`, {
    nextStep: "Install GnuPG",
  });
}
