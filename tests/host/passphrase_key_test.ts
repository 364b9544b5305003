import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isTokenError } from "../../lib/errors.ts";
import {
  argon2Engines,
  type Derivation,
  keyFromPassphrase,
  newDerivation,
} from "../../lib/host/passphrase_key.ts";

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const text = (words: string) => new TextEncoder().encode(words);

describe("the key out of a passphrase", () => {
  it("is Argon2id with 64 MiB, three passes and one lane for a new one", async () => {
    assert.deepEqual(await newDerivation(), { kdf: "argon2id", memory: 65536, passes: 3, lanes: 1 });
  });

  it("is the same on every runtime (Argon2id)", async () => {
    // a test vector of the reference implementation
    const small: Derivation = { kdf: "argon2id", memory: 256, passes: 2, lanes: 1 };
    const key = await keyFromPassphrase("password", text("somesalt"), small);
    assert.equal(hex(key), "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe");
  });

  it("is the same by every way to it that this runtime has, WebAssembly among them", async () => {
    const cases: [Derivation & { kdf: "argon2id" }, string][] = [
      [{ kdf: "argon2id", memory: 256, passes: 2, lanes: 1 }, "password"],
      [{ kdf: "argon2id", memory: 1024, passes: 3, lanes: 4 }, "\u00fcber \u{1f511}".repeat(20)],
      [{ kdf: "argon2id", memory: 64, passes: 1, lanes: 1 }, ""],
    ];
    for (const [derivation, secret] of cases) {
      const salt = text("0123456789abcdef");
      const all = Object.values(argon2Engines).map((engine) => engine(text(secret), salt, derivation));
      const keys = (await Promise.all(all)).filter((key) => key !== undefined).map(hex);
      assert.ok(keys.length > 1, "its own and that in WebAssembly");
      assert.equal(new Set(keys).size, 1, secret);
    }
    const { webassembly } = argon2Engines;
    const vector: Derivation = { kdf: "argon2id", memory: 256, passes: 2, lanes: 1 };
    assert.equal(
      hex((await webassembly(text("password"), text("somesalt"), vector))!),
      "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe",
    );
  });

  it("is what RFC 7914 section 12 says (scrypt)", async () => {
    const derivation: Derivation = { kdf: "scrypt", logN: 10, r: 8, p: 16 };
    await assert.rejects(keyFromPassphrase("password", text("NaCl"), derivation), /more work/);
    const key = await keyFromPassphrase("pleaseletmein", text("SodiumChloride"), {
      kdf: "scrypt",
      logN: 14,
      r: 8,
      p: 1,
    });
    assert.equal(hex(key), "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2");
  });

  it("is the same for two ways to write a letter, and another for another salt", async () => {
    const small: Derivation = { kdf: "argon2id", memory: 64, passes: 1, lanes: 1 };
    const key = (passphrase: string, salt: string) =>
      keyFromPassphrase(passphrase, text(salt), small).then(hex);
    assert.equal(await key("\u00fcber", "salt salt"), await key("u\u0308ber", "salt salt"));
    assert.notEqual(await key("\u00fcber", "salt salt"), await key("\u00fcber", "salt salt 2"));
  });

  it("is refused where a record asks for more memory or time than anybody would", async () => {
    const greedy: Derivation[] = [
      { kdf: "argon2id", memory: 1 << 21, passes: 3, lanes: 1 },
      { kdf: "argon2id", memory: 64, passes: 11, lanes: 1 },
      { kdf: "argon2id", memory: 64, passes: 3, lanes: 17 },
      { kdf: "scrypt", logN: 21, r: 8, p: 1 },
      { kdf: "scrypt", logN: 17, r: 17, p: 1 },
      { kdf: "scrypt", logN: 17, r: 8, p: 5 },
    ];
    for (const derivation of greedy) {
      await assert.rejects(
        keyFromPassphrase("x", new Uint8Array(16), derivation),
        (error) => isTokenError(error) && error.code === "key" && /more work/.test(error.message),
      );
    }
  });
});
