import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { describe, it } from "node:test";
import {
  keyMessage,
  LONGEST_MESSAGE,
  type Message,
  messageReader,
  openedText,
  sealedMessage,
} from "../../lib/agent/wire.ts";
import { keysOf, wireKeys } from "../../lib/agent/wire_crypto.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const run = (from: number, count: number) => Uint8Array.from({ length: count }, (_, at) => from + at);

/** A private key from its 32 bytes (RFC 8410 section 7). */
function keysFrom(secret: Uint8Array) {
  const pkcs8 = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20, ...secret];
  return keysOf(createPrivateKey({ key: new Uint8Array(pkcs8) as never, format: "der", type: "pkcs8" }));
}

// vectors made with libsodium
const client = keysFrom(run(0x01, 32));
const server = keysFrom(run(0x21, 32));
const REQUEST = "19:ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7:yqv4bKMbPPQyRwaqW4mRQoUX3ZccrMSz92b86gFaunNJFcU=";
const REPLY = "20:fH1+f4CBgoOEhYaHiImKi4yNjo+QkZKT:mDOGNFoBIUUUOOGpGUNwzSCACnxIGOnW2qcKRn6Iw24pRvds";

/** The first message of a text that comes in pieces of `size` bytes. */
function read(expects: "key" | "sealed", bytes: Uint8Array, size = bytes.length): Message | undefined {
  const reader = messageReader(expects);
  for (let at = 0; at < bytes.length; at += size) {
    const message = reader.push(bytes.subarray(at, at + size));
    if (message) return message;
  }
  return undefined;
}

describe("the keys of a connection", () => {
  it("come to the key that libsodium comes to", () => {
    assert.equal(decode(keyMessage(client.publicKey)), "B6N8vBQgk8i3VdwbEOhstCY3StFqqFPtC9/AsrhtHHw=");
    assert.equal(decode(keyMessage(server.publicKey)), "WGmv9FBUlzLLqu1eXfmzCm2jHLDldCutWtShp2jxpns=");
    const expected = "ec88f6e13b22bf9f04d480e0d8525c08ac7e2f48e212742bcbcafa104a74b08d";
    const shared = client.sharedKey(server.publicKey)!;
    assert.equal([...shared].map((byte) => byte.toString(16).padStart(2, "0")).join(""), expected);
    assert.deepEqual(server.sharedKey(client.publicKey), shared);
  });

  it("refuse a public key of small order, with which anybody could read along", () => {
    assert.equal(wireKeys().sharedKey(new Uint8Array(32)), undefined);
    assert.equal(
      wireKeys().sharedKey(Uint8Array.from({ length: 32 }, (_, at) => at === 0 ? 1 : 0)),
      undefined,
    );
  });

  it("are new for each connection", () => {
    assert.notDeepEqual(wireKeys().publicKey, wireKeys().publicKey);
  });
});

describe("a sealed message", () => {
  const key = client.sharedKey(server.publicKey)!;

  it("looks as libsodium's", () => {
    assert.equal(decode(sealedMessage(key, '{"request":"check"}', run(0x64, 24))), REQUEST);
    assert.equal(decode(sealedMessage(key, '{"status":"success"}', run(0x7c, 24))), REPLY);
  });

  it("opens with its key, and with no other and no other length", () => {
    const message = read("sealed", encode(REPLY)) as Message & { is: "sealed" };
    assert.equal(openedText(key, message), '{"status":"success"}');
    assert.equal(openedText(new Uint8Array(32), message), undefined);
    assert.equal(openedText(key, { ...message, length: 19 }), undefined);
  });

  it("counts bytes, not characters", () => {
    const message = read("sealed", sealedMessage(key, '{"a":"ü€"}')) as Message & { is: "sealed" };
    assert.equal(message.length, encode('{"a":"ü€"}').length);
    assert.equal(openedText(key, message), '{"a":"ü€"}');
  });
});

describe("messageReader", () => {
  it("finds a message however it is cut", () => {
    for (let size = 1; size <= 90; size++) {
      const plain = read("key", encode('  {"a":{"b":"}\\"{"},"c":1}\n'), size);
      assert.deepEqual(plain, { is: "plain", text: '{"a":{"b":"}\\"{"},"c":1}' });
      assert.equal(read("key", encode("B6N8vBQgk8i3VdwbEOhstCY3StFqqFPtC9/AsrhtHHw="), size)?.is, "key");
      assert.equal(read("sealed", encode(REQUEST), size)?.is, "sealed");
    }
  });

  it("waits for what is missing", () => {
    for (const text of ["", "{", '{"a":"}', "B6N8vBQg", "A".repeat(43)]) {
      assert.equal(read("key", encode(text)), undefined);
    }
    for (const text of ["1", "19:", REQUEST.slice(0, -1)]) {
      assert.equal(read("sealed", encode(text)), undefined);
    }
  });

  it("calls absurd what is too long for any message, before it has come", () => {
    assert.deepEqual(read("sealed", encode("999999999:")), { is: "broken", absurd: true });
    const endless = encode(`{"a":"${"x".repeat(LONGEST_MESSAGE)}`);
    for (const size of [1000, endless.length]) {
      assert.deepEqual(read("key", endless, size), { is: "broken", absurd: true });
    }
  });

  it("calls broken what no client sends", () => {
    for (const text of ["[]", "?", "A".repeat(44), `${"A".repeat(20)}!`, "=".repeat(44)]) {
      assert.equal(read("key", encode(text))?.is, "broken", text);
    }
    for (const text of ["x:", "-1:", "12345678901:", REQUEST.replace("ZGVm", "Z!Vm"), "19 "]) {
      assert.deepEqual(read("sealed", encode(text)), { is: "broken", absurd: false }, text);
    }
  });

  it("takes time that grows with the length alone", () => {
    const reader = messageReader("key");
    const brace = encode("}");
    assert.equal(reader.push(encode('{"a":"')), undefined);
    let pushed = 0;
    while (reader.push(brace) === undefined) pushed++;
    assert.ok(pushed > LONGEST_MESSAGE - 10);
  });
});
