import assert from "node:assert/strict";
import {
  chmodSync,
  mkdtempSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { isTokenError } from "../../lib/errors.ts";
import type { Host } from "../../lib/host/host.ts";
import type { Profile } from "../../lib/profile/profile.ts";
import {
  checkProfilePlace,
  defaultProfileName,
  findProfile,
  profileNames,
  readProfile,
  removeDefaultProfile,
  removeProfile,
  writeDefaultProfile,
  writeProfile,
} from "../../lib/profile/profile_files.ts";
import { hostAt } from "../cli/machine.ts";

const profile = (name: string): Profile => ({
  format: 1,
  name,
  issuer: "https://sso.example",
  clientId: "c",
  authentication: "none",
  flow: "device",
  audience: "audience",
  quirks: [],
  protect: { kind: "memory" },
});
const failsWith = (code: string, nextStep: RegExp) => (error: unknown) =>
  isTokenError(error) && error.code === code && nextStep.test(error.nextStep ?? "");

describe("the profiles of a person", () => {
  let home: string;
  let host: Host;

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "apex-token-profiles-"));
    host = hostAt(home);
  });
  afterEach(() => rmSync(home, { recursive: true }));

  it("are none at first, and nothing is made by looking", () => {
    assert.deepEqual(profileNames(host), []);
    assert.equal(findProfile(host, "p"), undefined);
    assert.equal(defaultProfileName(host), undefined);
    assert.equal(removeProfile(host, "p"), false);
    assert.throws(() => statSync(host.directories.config));
  });

  it("are private files, listed in order", () => {
    for (const name of ["b", "a"]) writeProfile(host, profile(name));
    assert.deepEqual(profileNames(host), ["a", "b"]);
    assert.deepEqual(readProfile(host, "a"), profile("a"));
    assert.equal(statSync(join(host.directories.config, "profiles/a.json")).mode & 0o777, 0o600);
    assert.equal(statSync(join(host.directories.config, "profiles")).mode & 0o777, 0o700);
  });

  it("are read when others can read them, or by a link of one's own, as dotfiles are", () => {
    writeProfile(host, profile("a"));
    const file = join(host.directories.config, "profiles/a.json");
    const kept = join(home, "dotfiles.json");
    chmodSync(file, 0o644);
    assert.deepEqual(readProfile(host, "a"), profile("a"));
    renameSync(file, kept);
    symlinkSync(kept, file);
    assert.deepEqual(readProfile(host, "a"), profile("a"));
    // what is the same already stays where it is
    checkProfilePlace(host, profile("a"));
    writeProfile(host, profile("a"));
    assert.equal(readlinkSync(file), kept);
    const changed = { ...profile("a"), scope: "other" };
    for (const write of [checkProfilePlace, writeProfile]) {
      assert.throws(() => write(host, changed), failsWith("storage", /Remove the link: rm /));
    }
    unlinkSync(kept);
    assert.throws(() => readProfile(host, "a"), failsWith("storage", /Remove the link/));
  });

  it("are refused when others can change them, and closed when they are written anew", () => {
    writeProfile(host, profile("a"));
    const file = join(host.directories.config, "profiles/a.json");
    const changed = { ...profile("a"), scope: "other" };
    for (const mode of [0o620, 0o602, 0o664, 0o666]) {
      chmodSync(file, mode);
      assert.throws(() => readProfile(host, "a"), failsWith("storage", /chmod go-w .*a\.json$/));
      for (const write of [checkProfilePlace, writeProfile]) {
        assert.throws(() => write(host, changed), failsWith("storage", /chmod go-w/));
      }
    }
    chmodSync(file, 0o644);
    writeProfile(host, changed);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(readProfile(host, "a"), changed);
  });

  it("are not what an editor leaves behind", () => {
    writeProfile(host, profile("a"));
    for (const name of [".a.json.swp", "a.json~", ".#a.json", "#a.json#", "-x.json", "a b.json"]) {
      writeFileSync(join(host.directories.config, "profiles", name), "junk");
    }
    assert.deepEqual(profileNames(host), ["a"]);
    assert.equal(defaultProfileName(host), "a");
  });

  it("are named when one is asked for that is not there, with the command that makes it", () => {
    assert.throws(
      () => readProfile(host, "x"),
      failsWith("unknown_profile", /^Make it: apex-token login x --issuer URL --client-id ID$/),
    );
    writeProfile(host, profile("a"));
    assert.throws(
      () => readProfile(host, "apex"),
      failsWith(
        "unknown_profile",
        /^The profiles are: a\. Or make it: apex-token login apex --client-id ID$/,
      ),
    );
    const outside = () => readProfile(host, "../a");
    assert.throws(outside, failsWith("invalid_argument", /^Use up to 64 of A to Z, a to z, 0 to 9, /));
    assert.throws(outside, { message: /Cannot use "\.\.\/a" as the name of a profile/ });
  });

  it("have a default: the one that was chosen, or the only one", () => {
    writeProfile(host, profile("a"));
    assert.equal(defaultProfileName(host), "a");
    writeProfile(host, profile("b"));
    assert.equal(defaultProfileName(host), undefined);
    writeDefaultProfile(host, "b");
    assert.equal(defaultProfileName(host), "b");
    removeDefaultProfile(host);
    assert.equal(defaultProfileName(host), undefined);
  });

  it("have no default that is no name", () => {
    writeDefaultProfile(host, "b");
    writeFileSync(join(host.directories.config, "default"), "../b\n");
    assert.throws(() => defaultProfileName(host), failsWith("storage", /Delete that file/));
  });

  it("are not those of a copied file", () => {
    writeProfile(host, profile("a"));
    const text = JSON.stringify(profile("a"));
    writeFileSync(join(host.directories.config, "profiles/b.json"), text, { mode: 0o600 });
    assert.throws(() => readProfile(host, "b"), failsWith("storage", /apex-token remove b/));
  });
});
