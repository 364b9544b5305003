import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  generateSigningKey,
  type SigningAlgorithm,
  type SigningKey,
  signingKey,
  signJwt,
  thumbprint,
} from "../../lib/oauth/signing_key.ts";
import { assertHides, failureOf } from "./support.ts";

// Made with openssl genpkey and openssl ecparam for these tests; nobody knows them.
const EC = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg4o14f/IawMoadjzH
3pxSraWffG8HejWvpeTzhqwzpE+hRANCAASMA1HUYbcOn2VOPYH8EOAi/mj3CefN
BB8V29UZNsS1a2g7V7B2Wuv8UnLXgGt0aOl1XWsJaNNMdWJbhxgqpZJ8
-----END PRIVATE KEY-----
`;
const ED = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAGw8c63ZCZ90EjCn/thMAmjPRK9UaLYBvyezEuisiEu
-----END PRIVATE KEY-----
`;
const SEC1 = `-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIKxxB4HpdaYYczzUV4m3edYYjbMQp871wOAq4vyIDzssoAoGCCqGSM49
AwEHoUQDQgAERuURHDuGdRBql1jsYDg3LAwoJ9GQBWvRo8DVcqW6ngMH/w8RkM3T
UK6qsOBhrnijMIAmiLE/JD6zLQB3vtd1tg==
-----END EC PRIVATE KEY-----
`;

const X25519 = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VuBCIEIAGw8c63ZCZ90EjCn/thMAmjPRK9UaLYBvyezEuisiEu
-----END PRIVATE KEY-----
`;

const VERIFY: Record<string, [EcKeyImportParams | RsaHashedImportParams | Algorithm, object]> = {
  ES256: [{ name: "ECDSA", namedCurve: "P-256" }, { name: "ECDSA", hash: "SHA-256" }],
  ES384: [{ name: "ECDSA", namedCurve: "P-384" }, { name: "ECDSA", hash: "SHA-384" }],
  EdDSA: [{ name: "Ed25519" }, { name: "Ed25519" }],
  Ed25519: [{ name: "Ed25519" }, { name: "Ed25519" }],
  RS256: [{ name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, { name: "RSASSA-PKCS1-v1_5" }],
  PS256: [{ name: "RSA-PSS", hash: "SHA-256" }, { name: "RSA-PSS", saltLength: 32 }],
};

/** Whether what `key` signs verifies with its own public half. */
async function verifies(key: SigningKey): Promise<boolean> {
  const [imported, verified] = VERIFY[key.algorithm];
  const publicKey = await crypto.subtle.importKey("jwk", key.publicJwk!, imported, false, ["verify"]);
  const data = new TextEncoder().encode("data");
  const signature = await key.sign(data);
  return await crypto.subtle.verify(
    verified as AlgorithmIdentifier,
    publicKey,
    signature as BufferSource,
    data,
  );
}

async function pair(algorithm: string): Promise<{ pem: string; jwk: JsonWebKey & { kid?: string } }> {
  const rsa = { modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
  const parameters = {
    ...VERIFY[algorithm][0],
    ...(/S256$/.test(algorithm) && algorithm[0] !== "E" ? rsa : {}),
  };
  const { privateKey } = await crypto.subtle.generateKey(parameters, true, [
    "sign",
    "verify",
  ]) as CryptoKeyPair;
  const bytes = new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey));
  const lines = btoa(String.fromCharCode(...bytes)).match(/.{1,64}/g)!.join("\r\n");
  const pem = `-----BEGIN PRIVATE KEY-----\r\n${lines}\r\n-----END PRIVATE KEY-----\r\n`;
  return { pem, jwk: await crypto.subtle.exportKey("jwk", privateKey) };
}

describe("a signing key", () => {
  for (
    const [algorithm, ...members] of [
      ["ES256", "crv", "kty", "x", "y"],
      ["ES384", "crv", "kty", "x", "y"],
      ["EdDSA", "crv", "kty", "x"],
      ["RS256", "e", "kty", "n"],
      ["PS256", "e", "kty", "n"],
    ] as const
  ) {
    it(`for ${algorithm} comes from a PEM, a JWK, or a JWK as text`, async () => {
      const { pem, jwk } = await pair(algorithm);
      const usual = algorithm === "PS256" ? { algorithm } : {};
      const { alg: _, ...unnamed } = jwk;
      for (const source of [pem, unnamed, JSON.stringify(unnamed)]) {
        const key = await signingKey(source, usual);
        assert.equal(key.algorithm, algorithm);
        assert.ok(await verifies(key));
        assert.deepEqual(Object.keys(key.publicJwk!).sort(), members);
      }
      const named = await signingKey({ ...jwk, alg: algorithm, kid: "7" } as JsonWebKey);
      assert.deepEqual([named.algorithm, named.keyId], [algorithm, "7"]);
      assert.equal((await signingKey(pem, { ...usual, keyId: "8" })).keyId, "8");
    });
  }

  it("comes from what openssl writes, with words around it", async () => {
    for (const [pem, algorithm] of [[EC, "ES256"], [ED, "EdDSA"]]) {
      const key = await signingKey(`Bag Attributes\n  friendlyName: key\n${pem}\n`);
      assert.equal(key.algorithm, algorithm);
      assert.ok(await verifies(key));
    }
  });

  it("comes from a JWK whatever else that says it is for", async () => {
    const { export: exported, publicJwk } = await generateSigningKey();
    const jwk = await exported();
    for (const more of [{ use: "enc" }, { key_ops: ["verify"] }, { ext: false }]) {
      const key = await signingKey({ ...jwk, ...more });
      assert.deepEqual(key.publicJwk, publicJwk);
      assert.equal((await key.sign(new Uint8Array(3))).length, 64);
    }
  });

  it("signs under the name Ed25519 where a server wants that of RFC 9864", async () => {
    const key = await signingKey(ED, { algorithm: "Ed25519" });
    assert.equal(key.algorithm, "Ed25519");
    assert.ok(await verifies(key));
  });

  for (
    const [name, source, words] of [
      ["PKCS #1", EC.replaceAll("PRIVATE", "RSA PRIVATE"), /openssl pkcs8 -topk8 -nocrypt/],
      ["SEC 1", SEC1, /openssl pkcs8 -topk8 -nocrypt/],
      ["encrypted", EC.replaceAll("PRIVATE", "ENCRYPTED PRIVATE"), /openssl pkcs8 -topk8 -nocrypt/],
      ["public", EC.replaceAll("PRIVATE", "PUBLIC"), /not a private key/],
      ["certificate", EC.replaceAll("PRIVATE KEY", "CERTIFICATE"), /not a private key/],
      ["garbage in a PEM", EC.replace("MIG", "!!!"), /PKCS #8/],
      ["padding in a PEM", EC.replace("MIGHA", "MIGH="), /PKCS #8/],
      ["a PEM of odd length", EC.replace("MIGHA", "MIGH"), /PKCS #8/],
      ["another kind of key", X25519, /must be EC/],
      ["half a PEM", EC.slice(0, 120), /PKCS #8/],
      ["cut bytes", EC.replace(/\nBB8V.*\n/, "\n"), /must be EC/],
      ["text", "garbage-canary", /neither a PEM nor a JWK/],
      ["nothing", "", /neither a PEM nor a JWK/],
      ["null", "null", /not a private key/],
      ["a number", "42", /not a private key/],
      ["a shared secret", '{"kty":"oct","k":"c2VjcmV0"}', /not a private key/],
      ["a key set", '{"keys":[]}', /not a private key/],
    ] as const
  ) {
    it(`is refused for ${name}, without a word of it`, async () => {
      const error = await failureOf(signingKey(source));
      assert.equal(error.code, "invalid_argument");
      assert.match(error.message, words);
      const secret = /[\w+/]{40}/.exec(source)?.[0];
      if (secret) assertHides(error, secret);
    });
  }

  it("is refused when it is the public half, or for another algorithm", async () => {
    const { jwk } = await pair("ES256");
    const { d: _, ...publicHalf } = jwk;
    assert.match((await failureOf(signingKey(publicHalf))).message, /not a private key/);
    for (const algorithm of ["RS256", "EdDSA", "ES384", "HS256", "none"] as SigningAlgorithm[]) {
      for (const source of [jwk, EC]) {
        const error = await failureOf(signingKey(source, { algorithm }));
        assert.equal(error.code, "invalid_argument");
        assert.match(error.message, new RegExp(`no key for ${algorithm}`));
      }
    }
    assert.equal((await failureOf(signingKey({ ...jwk, alg: "RSA-OAEP" }))).code, "invalid_argument");
  });

  it("does not show its private half, whoever prints it", async () => {
    const { pem, jwk } = await pair("ES256");
    for (const source of [pem, jwk]) {
      const key = await signingKey(source);
      assertHides(key, jwk.d);
      assert.ok(!("d" in key.publicJwk!));
    }
  });
});

describe("a new signing key", () => {
  it("can be kept as a private JWK and comes back from it", async () => {
    for (const algorithm of ["ES256", "ES384", "EdDSA", "Ed25519"] as const) {
      const key = await generateSigningKey(algorithm);
      assert.ok(await verifies(key));
      assertHides(key, (await key.export()).d);
      const again = await signingKey(JSON.parse(JSON.stringify(await key.export())));
      assert.equal(again.algorithm, algorithm);
      assert.deepEqual(again.publicJwk, key.publicJwk);
    }
  });
});

describe("a signed JWT", () => {
  it("has the algorithm and the key's name in its header, and UTF-8 in its claims", async () => {
    const key = { ...await generateSigningKey(), keyId: "k" };
    const jwt = await signJwt(key, { typ: "JWT" }, { name: "Zoë ⊕", left: undefined });
    const [header, claims] = jwt.split(".").slice(0, 2).map((part) => {
      const binary = atob(part.replace(/-/g, "+").replace(/_/g, "/"));
      return JSON.parse(new TextDecoder().decode(Uint8Array.from(binary, (one) => one.charCodeAt(0))));
    });
    assert.deepEqual([header, claims], [{ alg: "ES256", kid: "k", typ: "JWT" }, { name: "Zoë ⊕" }]);
    assert.match(jwt, /^[\w-]+\.[\w-]+\.[\w-]{86}$/);
  });
});

describe("a thumbprint", () => {
  it("is that of RFC 7638 section 3.1", async () => {
    const n =
      "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    const key = { kty: "RSA", n, e: "AQAB", alg: "RS256", kid: "2011-04-29" } as JsonWebKey;
    assert.equal(await thumbprint(key), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
  });

  it("of an Ed25519 key is that of RFC 8037 appendix A.3", async () => {
    const key = { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" };
    assert.equal(await thumbprint(key), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
  });
});
