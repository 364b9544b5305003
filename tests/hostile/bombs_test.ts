/**
 * Answers that are too much for a small machine: they unpack to some thousand times their length.
 */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, deflateSync, gzipSync } from "node:zlib";
import { bun, node } from "../../scripts/toolchain.ts";
import { currentRuntime, type ProcessResult, startDeno, startProcess } from "../process.ts";
import { answer, gzipBomb, raw } from "./faults.ts";
import { type HostileServer, type Script, startHostileServer } from "./server.ts";

describe("an answer that unpacks to some thousand times its length", () => {
  let server: HostileServer;
  let encodings: string[];
  before(async () => {
    const gzip = await gzipBomb();
    const zeros = new Uint8Array(2 ** 26);
    const quick = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };
    const bodies: Record<string, Uint8Array> = {
      gzip,
      "gzip, gzip": gzipSync(gzip),
      br: brotliCompressSync(zeros, quick),
      deflate: deflateSync(zeros),
      zstd: zstdBomb(),
      "br, gzip": gzipSync(brotliCompressSync(zeros, quick)),
    };
    const routes: Record<string, Script> = {
      "/warm": answer({ status: 400, body: "{}" }),
    };
    encodings = Object.keys(bodies).map(encodeURIComponent);
    for (const [encoding, body] of Object.entries(bodies)) {
      routes[`/${encodeURIComponent(encoding)}`] = chunked(encoding, body);
    }
    server = await startHostileServer({ routes });
  });
  after(() => server.close());

  it("is left at every endpoint, in every encoding, and costs less than 32 MiB of memory", async () => {
    const { stdout, stderr, code } = await runClient(
      server.origin,
      ...encodings,
    );
    assert.equal(code, 0, stderr);
    const attempts: [outcome: string, growth: number][] = JSON.parse(stdout);
    assert.equal(attempts.length, 36);
    for (const [outcome, growth] of attempts) {
      // what comes of a revocation does not depend on the body, if that is short enough
      assert.match(
        outcome,
        / (invalid_response|invalid_metadata|network|revocation good)$/,
      );
      assert.ok(
        growth < 32 * 2 ** 20,
        `${outcome}: it grew by ${growth} bytes`,
      );
    }
  });
});

function runClient(...args: string[]): Promise<ProcessResult> {
  const program = fileURLToPath(new URL("bomb_client.ts", import.meta.url));
  const cwd = fileURLToPath(new URL("../../", import.meta.url));
  const runtime = currentRuntime();
  const options = { cwd, timeout: 600_000 };
  if (runtime === "deno") return startDeno(["run", "-A", program, ...args], options).ended;
  return startProcess(runtime === "bun" ? bun() : node(), [program, ...args], options).ended;
}

/** In chunks: an announced length alone would give it away. */
function chunked(encoding: string, body: Uint8Array): Script {
  const lines = [
    "HTTP/1.1 200 OK",
    "content-type: application/json",
    `content-encoding: ${encoding}`,
    "transfer-encoding: chunked",
  ];
  return raw(
    [...lines, "", ""].join("\r\n"),
    `${body.length.toString(16)}\r\n`,
    body,
    "\r\n0\r\n\r\n",
  );
}

/** 16 KiB that become 512 MiB: blocks of one byte each that is repeated (RFC 8878 section 3.1.1.2). */
function zstdBomb(): Uint8Array {
  const frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x70];
  const size = 2 ** 17;
  for (let block = 1; block <= 4096; block++) {
    const header = (size << 3) | (1 << 1) | (block === 4096 ? 1 : 0);
    frame.push(
      header & 0xff,
      (header >> 8) & 0xff,
      (header >> 16) & 0xff,
      0x30,
    );
  }
  return Uint8Array.from(frame);
}
