/**
 * Frames that no client sends, in pieces that no client sends them in, from a seed.
 *
 * @module
 */

import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { agent } from "../../lib/agent/client.ts";
import { keyMessage, sealedMessage } from "../../lib/agent/wire.ts";
import { wireKeys } from "../../lib/agent/wire_crypto.ts";
import { type Random, randomOf } from "../simulator/random.ts";
import { KEY } from "./agent_machine.ts";

const encode = (text: string) => new TextEncoder().encode(text);

const REQUESTS = [
  "access_token",
  "id_token",
  "check",
  "status",
  "status_json",
  "loaded_accounts",
  "account_info",
  "add",
  "remove",
  "gen",
  "device",
  "state_lookup",
  "code_exchange",
  "term_http_server",
  "register",
  "delete",
  "delete_client",
  "scopes",
  "file_read",
  "file_write",
  "file_remove",
  "unlock",
  "mytoken",
  "constructor",
];
const MEMBERS = [
  "account",
  "issuer",
  "config",
  "scope",
  "audience",
  "min_valid_period",
  "key",
  "flow",
  "oidc_device",
  "state",
  "redirect_uri",
  "pw_entry",
  "lifetime",
  "filename",
  "data",
  "password",
  "terminal",
  "registration_client_uri",
];
const VALUES = [
  null,
  true,
  0,
  -1,
  1e308,
  "",
  "demo",
  "../../etc/passwd",
  "\u0000",
  "ü\ud83d\ude00",
  "x".repeat(5000),
  [],
  {},
  [[[[[]]]]],
  { __proto__: 1, name: 7 },
  { name: "x", client_id: "y", issuer_url: "http://" },
  "/dev/tty",
];

/** A frame, mostly broken. */
export function frame(random: Random): Uint8Array {
  const whole = random.pick([plain, plain, key, sealed, lengths, noise])(random);
  return random.chance(0.6) ? broken(random, whole) : whole;
}

function plain(random: Random): Uint8Array {
  const request: Record<string, unknown> = { request: random.pick(REQUESTS) };
  for (let count = random.below(4); count > 0; count--) request[random.pick(MEMBERS)] = random.pick(VALUES);
  return encode(JSON.stringify(request));
}

function key(random: Random): Uint8Array {
  return encode(btoa(String.fromCharCode(...bytes(random, 32))));
}

/** A key, and what follows it: sealed for somebody else, or not at all. */
function sealed(random: Random): Uint8Array {
  const message = sealedMessage(bytes(random, 32), '{"request":"check"}', bytes(random, 24));
  return joined(OUR_KEY, message);
}

const OUR_KEY = keyMessage(wireKeys().publicKey);

function lengths(random: Random): Uint8Array {
  const length = random.pick(["-1", "0", "00019", "4294967296", "999999999", "1e3", "0x10", " 19", "19"]);
  return joined(
    OUR_KEY,
    encode(`${length}:${random.pick(["", "AAAA", "A".repeat(32)])}:${"A".repeat(random.below(60))}`),
  );
}

function noise(random: Random): Uint8Array {
  return bytes(random, random.below(200));
}

function broken(random: Random, whole: Uint8Array): Uint8Array {
  const copy = whole.slice();
  for (let count = 1 + random.below(3); count > 0 && copy.length > 0; count--) {
    copy[random.below(copy.length)] = random.below(256);
  }
  return random.chance(0.3) ? copy.subarray(0, random.below(copy.length + 1)) : copy;
}

function bytes(random: Random, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, () => random.below(256));
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

/** The same bytes in a few pieces. */
export function* pieces(random: Random, whole: Uint8Array): Generator<Uint8Array> {
  let at = 0;
  while (at < whole.length) {
    const size = random.chance(0.5) ? whole.length - at : 1 + random.below(whole.length - at);
    yield whole.subarray(at, at + size);
    at += size;
  }
}

/** Sends a frame to a socket, piece by piece, and goes away; whatever comes back. */
function send(path: string, random: Random): Promise<void> {
  return new Promise((done) => {
    const socket: Socket = connect({ path });
    socket.on("error", () => done());
    socket.on("close", () => done());
    socket.resume();
    socket.on("connect", () => {
      for (const piece of pieces(random, frame(random))) socket.write(piece);
      // some wait for an answer, some are gone before it comes
      if (random.chance(0.5)) socket.destroy();
      else socket.end();
    });
  });
}

/** What a campaign needs. */
export interface Campaign {
  readonly path: string;
  readonly frames: number;
  readonly seed: number;
  /** Makes sure that the agent answers a good request; called now and then, and at the end. */
  readonly check: () => Promise<void>;
}

/** How many connections at once. */
const WIDTH = 16;
const BETWEEN_CHECKS = 1000;

/** Sends many frames. */
export async function campaign({ path, frames, seed, check }: Campaign): Promise<void> {
  let sent = 0;
  const random = randomOf(seed);
  const client = async () => {
    while (sent < frames) {
      const number = sent++;
      await send(path, random);
      if (number % BETWEEN_CHECKS === BETWEEN_CHECKS - 1) await check();
    }
  };
  await Promise.all(Array.from({ length: WIDTH }, client));
  await check();
}

/** The next good request, by the client that everybody uses; about an account that no frame names. */
export function goodRequest(path: string): () => Promise<void> {
  const key = btoa(String.fromCharCode(...KEY.key));
  return async () => {
    const client = agent({ socket: path, timeout: 100_000 });
    assert.equal((await client.request({ request: "add", account: "good", key })).status, "success");
    assert.match(await client.getToken("good"), /^ey/);
  };
}
