import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hasProxy, proxyFor } from "../../lib/host/proxy.ts";

const P = "http://proxy.example:3128";

function chosen(url: string, variables: Record<string, string>): string | undefined {
  return proxyFor(new URL(url), (name) => variables[name] || undefined)?.href;
}

describe("the proxy of a request", () => {
  const cases: [url: string, variables: Record<string, string>, proxy: string | undefined][] = [
    ["https://a.example/", {}, undefined],
    ["https://a.example/", { HTTPS_PROXY: P }, `${P}/`],
    ["https://a.example/", { HTTP_PROXY: P }, undefined],
    ["http://a.example/", { HTTP_PROXY: P }, `${P}/`],
    ["http://a.example/", { HTTPS_PROXY: P }, undefined],
    [
      "https://a.example/",
      { HTTPS_PROXY: "http://big.example", https_proxy: "https://small.example" },
      "https://small.example/",
    ],
    ["https://a.example/", { HTTPS_PROXY: "proxy.example:3128" }, `${P}/`],
    [
      "https://a.example/",
      { HTTPS_PROXY: "http://ada:secret@proxy.example" },
      "http://ada:secret@proxy.example/",
    ],
    ["https://a.example/", { HTTPS_PROXY: "" }, undefined],
  ];
  for (const [url, variables, proxy] of cases) {
    it(`is ${proxy ?? "none"} for ${url} with ${JSON.stringify(variables)}`, () => {
      assert.equal(chosen(url, variables), proxy);
    });
  }

  for (
    const host of [
      "127.0.0.1",
      "127.1.2.3",
      "localhost",
      "app.localhost",
      "localhost.",
      "[::1]",
      "LOCALHOST",
      "0x7f.1",
    ]
  ) {
    it(`is none for this machine as ${host}`, () => {
      assert.equal(chosen(`https://${host}:8443/`, { HTTPS_PROXY: P }), undefined);
      assert.equal(chosen(`http://${host}/`, { HTTP_PROXY: P, NO_PROXY: "other" }), undefined);
    });
  }

  for (const host of ["127.0.0.1.example", "localhost.example", "mylocalhost", "128.0.0.1", "[::2]"]) {
    it(`is used for ${host}, which is another machine`, () => {
      assert.equal(chosen(`https://${host}/`, { HTTPS_PROXY: P }), `${P}/`);
    });
  }

  const exemptions: [url: string, list: string, exempt: boolean][] = [
    ["https://a.example/", "*", true],
    ["https://a.example/", "a.example", true],
    ["https://a.example./", "a.example", true],
    ["https://A.EXAMPLE/", "a.Example", true],
    ["https://b.a.example/", "a.example", true],
    ["https://a.example/", ".a.example", true],
    ["https://b.a.example/", ".a.example", true],
    ["https://b.a.example/", "*.a.example", true],
    ["https://ba.example/", "a.example", false],
    ["https://a.example.org/", "a.example", false],
    ["https://a.example/", "x, y,a.example ,z", true],
    ["https://a.example/", "x a.example", true],
    ["https://a.example/", ",, ,", false],
    ["https://a.example/", ".", false],
    ["https://a.example/", "a.example:443", true],
    ["https://a.example:8443/", "a.example:443", false],
    ["https://a.example:8443/", "a.example:8443", true],
    ["http://a.example/", "a.example:80", true],
    ["https://192.0.2.7/", "192.0.2.7", true],
    ["https://192.0.2.7/", "192.0.2.0/24", true],
    ["https://192.0.3.7/", "192.0.2.0/24", false],
    ["https://192.0.2.7/", "192.0.2.0/99", false],
    ["https://192.0.2.7/", "2.7", false],
    ["https://192.0.2.7/", "192.0.2.7:443", true],
    ["https://[2001:db8::1]/", "2001:db8::1", true],
    ["https://[2001:db8::1]/", "[2001:db8::1]", true],
    ["https://[2001:db8::1]/", "[2001:db8::1]:443", true],
    ["https://[2001:db8::1]/", "[2001:db8::1]:444", false],
    ["https://[2001:db8::1]/", "2001:db8::/32", true],
    ["https://[2001:db9::1]/", "2001:db8::/32", false],
    ["https://a.example/", "192.0.2.0/24", false],
  ];
  for (const [url, list, exempt] of exemptions) {
    it(`is ${exempt ? "none" : "used"} for ${url} with NO_PROXY=${JSON.stringify(list)}`, () => {
      const variables = { HTTPS_PROXY: P, HTTP_PROXY: P, NO_PROXY: list };
      assert.equal(chosen(url, variables), exempt ? undefined : `${P}/`);
      assert.equal(chosen(url, { ...variables, NO_PROXY: "", no_proxy: list }), exempt ? undefined : `${P}/`);
    });
  }

  for (
    const value of ["socks5://proxy.example:1080", "http://", "ftp://ada:s3cret@proxy.example", "a b:s3cret"]
  ) {
    it(`cannot be ${JSON.stringify(value)}, and the refusal does not quote it`, () => {
      assert.throws(
        () => chosen("https://a.example/", { HTTPS_PROXY: value }),
        (error: Error & { code: string }) => {
          assert.equal(error.code, "invalid_argument");
          assert.match(error.message, /HTTPS_PROXY/);
          assert.doesNotMatch(error.message, /s3cret/);
          return true;
        },
      );
    });
  }
});

describe("whether the environment names a proxy", () => {
  for (const name of ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"]) {
    it(`is yes with ${name}`, () =>
      assert.equal(hasProxy((wanted) => wanted === name ? P : undefined), true));
  }
  it("is no with NO_PROXY alone", () => {
    assert.equal(hasProxy((wanted) => wanted.toUpperCase() === "NO_PROXY" ? "*" : undefined), false);
  });
});
