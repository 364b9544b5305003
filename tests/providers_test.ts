import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { discover, issuerFromMetadata, type ServerMetadata } from "../lib/oauth/issuer.ts";
import { providerNamed, providerOf, providers } from "../lib/providers.ts";
import { authorizationServer, type AuthorizationServerOptions } from "../lib/testing/mod.ts";

const names = (issuer: string, metadata?: ServerMetadata) => providerOf(issuer, metadata).name;

/** The metadata of a server with the habits of another. */
async function metadataOf(options: AuthorizationServerOptions): Promise<ServerMetadata> {
  const server = await authorizationServer(options);
  return (await discover(server.issuer, { fetch: server.fetch })).metadata;
}

describe("the presets", () => {
  for (const provider of providers) {
    it(`${provider.name} is whole: an https issuer, a way to sign in, openid, words for people`, () => {
      assert.equal(issuerFromMetadata({ issuer: provider.issuer! }).issuer, provider.issuer);
      assert.ok(provider.flows.length > 0);
      assert.ok(provider.scope.split(" ").includes("openid"));
      assert.ok(provider.title && provider.clientHint);
      assert.match(provider.name, /^[a-z][a-z-]*$/);
    });

    it(`${provider.name} is found by its name, by its issuer, and by its issuer with another end`, () => {
      assert.equal(providerNamed(provider.name), provider);
      assert.equal(providerOf(provider.issuer!), provider);
      assert.equal(providerOf(provider.issuer!.replace(/\/$/, "")), provider);
      assert.equal(providerOf(provider.issuer!.replace(/\/?$/, "/")), provider);
    });
  }

  it("have a name and an issuer of their own", () => {
    assert.equal(new Set(providers.map(({ name }) => name)).size, providers.length);
    assert.equal(new Set(providers.map(({ issuer }) => issuer)).size, providers.length);
  });

  it("know the servers of the two documents", () => {
    const apex = providerNamed("apex")!;
    assert.equal(apex.issuer, "https://auth.apex.esa.int/realms/apex");
    assert.equal(apex.flows[0], "device");
    assert.equal(apex.audience, "none");
    const wlcg = providerNamed("wlcg")!;
    assert.equal(wlcg.issuer, "https://wlcg.cloud.cnaf.infn.it/");
    assert.deepEqual([wlcg.flows[0], wlcg.audience], ["device", "audience"]);
    assert.ok(wlcg.quirks.includes("issuer-trailing-slash"));
    assert.equal(providerNamed("iam-test")?.issuer, "https://iam-test.indigo-datacloud.eu/");
  });

  it("have no preset of a name that is none", () => {
    for (const name of ["", "APEX", "https://auth.apex.esa.int/realms/apex", "keycloak", "__proto__"]) {
      assert.equal(providerNamed(name), undefined);
    }
  });
});

describe("the preset of a server that nobody knows", () => {
  it("is that of Keycloak by the form of its URL", () => {
    assert.equal(names("https://login.test/realms/one"), "keycloak");
    assert.equal(names("https://login.test/auth/realms/one"), "keycloak");
    assert.notEqual(names("https://login.test/realms/one/more"), "keycloak");
    assert.notEqual(names("https://login.test/realms/"), "keycloak");
  });

  it("is that of INDIGO IAM by its metadata", async () => {
    const metadata = await metadataOf({ issuer: "https://iam.test", flavor: "indigo-iam" });
    assert.equal(names(metadata.issuer, metadata), "indigo-iam");
    const { registration_endpoint: _, ...closed } = metadata;
    assert.equal(names(metadata.issuer, closed as ServerMetadata), "indigo-iam");
    const provider = providerOf(metadata.issuer, metadata);
    assert.deepEqual([provider.audience, provider.flows[0]], ["audience", "device"]);
    assert.ok(provider.quirks.includes("issuer-trailing-slash"));
  });

  it("is the plain one otherwise, with no leniency", async () => {
    const metadata = await metadataOf({ issuer: "https://as.test" });
    assert.equal(names(metadata.issuer, metadata), "generic");
    assert.equal(names("https://as.test/"), "generic");
    assert.deepEqual(providerOf("https://as.test").quirks, []);
    assert.equal(providerOf("https://as.test").issuer, undefined);
  });

  it("is found whatever the metadata hold", () => {
    const odd = {
      issuer: "https://as.test/",
      registration_endpoint: 42,
      device_authorization_endpoint: null,
    };
    assert.equal(names("https://as.test/", odd as unknown as ServerMetadata), "generic");
  });
});
