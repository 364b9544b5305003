/**
 * What can go wrong with an answer, each as a script for the hostile server.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createGzip } from "node:zlib";
import type { Bytes, Script } from "./server.ts";

/** Sends bytes and closes the connection. */
export function raw(...parts: Bytes[]): Script {
  return async (connection) => {
    for (const part of parts) await connection.send(part);
    connection.end();
  };
}

export interface AnswerOptions {
  /** Default: 200. */
  readonly status?: number;
  /** Header lines; `content-length` is added unless there is one, or `transfer-encoding`. */
  readonly headers?: readonly string[];
  readonly body?: Bytes;
}

/** A proper answer. The connection stays open afterwards, unless the request wants it closed (RFC 9112 section 9.6). */
export function answer({ status = 200, headers = [], body = "" }: AnswerOptions = {}): Script {
  const lines = [`HTTP/1.1 ${status} Status`, ...headers];
  if (!/^(content-length|transfer-encoding):/im.test(lines.join("\n"))) {
    lines.push(`content-length: ${body.length}`);
  }
  return async (connection) => {
    const close = /^connection: *close$/im.test(connection.request.head);
    await connection.send([...lines, ...(close ? ["connection: close"] : []), "", ""].join("\r\n"));
    await connection.send(body);
    if (close) connection.end();
  };
}

/** The head of an answer that promises `length` bytes. */
export function head(length: number, ...headers: string[]): string {
  return [
    "HTTP/1.1 200 OK",
    "content-type: application/json",
    `content-length: ${length}`,
    ...headers,
    "",
    "",
  ]
    .join("\r\n");
}

/** Sends something, perhaps nothing, and never again. */
export function hang(...parts: Bytes[]): Script {
  return async (connection) => {
    for (const part of parts) await connection.send(part);
    await connection.closed;
  };
}

/** Sends the head of an answer, then one byte of its body every so many milliseconds, for ever. */
export function drip(milliseconds: number): Script {
  return async (connection) => {
    await connection.send(head(100_000));
    while (!connection.gone()) {
      await connection.send(" ");
      await connection.pause(milliseconds);
    }
  };
}

/** Sends something, perhaps nothing, and breaks the connection off once that had time to arrive. */
export function reset(...parts: Bytes[]): Script {
  return async (connection) => {
    for (const part of parts) await connection.send(part);
    // A reset overtakes what is still in the buffers.
    if (parts.length) await connection.pause(50);
    connection.reset();
  };
}

/** Sends zeros for as long as somebody takes them, in chunks, without a length. */
export function flood(): Script {
  const chunk = `10000\r\n${"0".repeat(0x10000)}\r\n`;
  return async (connection) => {
    await connection.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    while (!connection.gone()) await connection.send(chunk);
  };
}

/** What a hotel sends in place of an answer. */
export const captivePortal: Script = answer({
  headers: ["content-type: text/html"],
  body: "<!doctype html><title>Welcome</title><form>Accept our terms</form>",
});

/** About half a megabyte that becomes 512 MiB of zeros. Takes a second to make. */
export async function gzipBomb(): Promise<Uint8Array> {
  const gzip = createGzip({ level: 9 });
  const parts: Buffer[] = [];
  gzip.on("data", (part: Buffer) => parts.push(part));
  const finished = new Promise((resolve) => gzip.once("end", resolve));
  const mebibyte = Buffer.alloc(2 ** 20);
  for (let count = 0; count < 512; count++) {
    if (!gzip.write(mebibyte)) await new Promise((resolve) => gzip.once("drain", resolve));
  }
  gzip.end();
  await finished;
  return Buffer.concat(parts);
}
