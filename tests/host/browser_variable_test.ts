import assert from "node:assert/strict";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, beforeEach, describe, it } from "node:test";
import { browser, openBrowser } from "../../lib/host/browser.ts";
import { fakeOpeners, patientClock } from "./fake_openers.ts";
import { runProgram } from "./programs.ts";

const openers = fakeOpeners();
const { bin, other, log, fake, called, surroundings } = openers;
beforeEach(openers.clear);
after(openers.remove);

const PAGE = "https://issuer.example/authorize?client_id=a&state=b";

describe("BROWSER", () => {
  const open = (BROWSER: string) => openBrowser(PAGE, surroundings({ BROWSER }), patientClock);

  it("names a program by path or by name", async () => {
    const mine = fake("mine", "", other);
    assert.equal(await open(mine), true);
    assert.deepEqual(called(), [PAGE]);
    fake("named");
    assert.equal(await open("named"), true);
    assert.deepEqual(called(), [PAGE]);
  });

  it("may name a program whose path has spaces", async () => {
    assert.equal(await open(fake("my browser")), true);
    assert.deepEqual(called(), [PAGE]);
  });

  it("may have words, with the URL where %s stands alone, or at the end", async () => {
    fake("mine");
    assert.equal(await open("mine --new-window %s --later"), true);
    assert.deepEqual(called(), ["--new-window", PAGE, "--later"]);
    assert.equal(await open("mine --new-window"), true);
    assert.deepEqual(called(), ["--new-window", PAGE]);
  });

  it("has no quoting and no expansion: words go as they are", async () => {
    fake("mine");
    assert.equal(await open("mine '$HOME' \"a;b\" $(id)"), true);
    assert.deepEqual(called(), ["'$HOME'", '"a;b"', "$(id)", PAGE]);
  });

  for (const entry of ["mine --url=%s", "mine %s%s", "mine %s %s", "./mine", "../bin/mine", "absent", " "]) {
    it(`is passed over when it says ${JSON.stringify(entry)}`, async () => {
      fake("mine");
      fake("xdg-open");
      assert.equal(await open(entry), true);
      assert.deepEqual(called(), [PAGE], "xdg-open was asked instead");
      rmSync(join(bin, "xdg-open"));
      assert.equal(await open(entry), false);
    });
  }

  it("is a list, of which the next is tried when one fails", async () => {
    const failing = fake("failing", `exit 1`);
    fake("good", `printf 'x' > '${log}.good'`);
    assert.equal(await open(`absent:${failing}:good %s:never`), true);
    assert.ok(existsSync(`${log}.good`));
  });

  it("wins over everything that speaks against a browser", async () => {
    fake("mine");
    const variables = { BROWSER: "mine", SSH_CONNECTION: "1 2 3 4", DISPLAY: "", CI: "1" };
    assert.deepEqual(browser(surroundings(variables)), { available: true });
    assert.equal(await openBrowser(PAGE, surroundings(variables), patientClock), true);
  });

  it("set to echo shows the URL on standard error, never on standard output", async () => {
    const { stdout, stderr } = await runProgram("open", [PAGE], { env: { BROWSER: "echo" } });
    assert.deepEqual(JSON.parse(stdout), { browser: { available: true }, opened: true });
    assert.equal(stderr, `${PAGE}\n`);
  });
});
