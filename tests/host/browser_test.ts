import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { after, beforeEach, describe, it } from "node:test";
import * as host from "../../lib/host/browser.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Platform } from "../../lib/host/directories.ts";
import { fakeClock } from "../fake_clock.ts";
import { fakeOpeners, patientClock } from "./fake_openers.ts";
import { runProgram } from "./programs.ts";

const openers = fakeOpeners();
const { folder, bin, other, log, fake, called, whenCalled, surroundings } = openers;
const { browser } = host;
const openBrowser = (
  url: string,
  where: Parameters<typeof host.openBrowser>[1],
  clock: Clock = patientClock,
) => host.openBrowser(url, where, clock);
beforeEach(openers.clear);
after(openers.remove);

const PAGE = "https://issuer.example/authorize?client_id=a&state=b";

/** Ends the process that writes its id into a file, once it has. */
async function killed(file: string): Promise<void> {
  while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 5));
  process.kill(Number(readFileSync(file, "utf8")));
}

describe("opening a page", () => {
  it("gives the URL to xdg-open as its only argument", async () => {
    fake("xdg-open");
    assert.equal(await openBrowser(PAGE, surroundings()), true);
    assert.deepEqual(called(), [PAGE]);
  });

  const hostile: [given: string, opened: string][] = [
    ["https://x.example/$(touch p)", "https://x.example/%24%28touch%20p%29"],
    ["https://x.example/`touch p`", "https://x.example/%60touch%20p%60"],
    ["https://x.example/?a=`id`", "https://x.example/?a=%60id%60"],
    ['https://x.example/";touch p;"', "https://x.example/%22%3Btouch%20p%3B%22"],
    ["https://x.example/?a=';touch p;'", "https://x.example/?a=%27%3Btouch%20p%3B%27"],
    ["https://x.example/%USERPROFILE%", "https://x.example/%25USERPROFILE%25"],
    ["https://x.example/?a=1&calc", "https://x.example/?a=1&calc"],
    ["https://x.example/?a=1|calc^&{1}", "https://x.example/?a=1%7Ccalc%5E&%7B1%7D"],
    ["https://x.example/ --upload-pack=x", "https://x.example/%20--upload-pack=x"],
    ["https://x.example/%action", "https://x.example/%action"],
    ["https://x.example/%s", "https://x.example/%25s"],
    ["https://x.example/\x1b]8;;evil\x07\n", "https://x.example/%1B]8%3B%3Bevil"],
    ["https://$(id).example/", "https://%24%28id%29.example/"],
    ["https://bücher.example/", "https://xn--bcher-kva.example/"],
    ["http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x"],
    ["http://[::1]:8080/x", "http://[::1]:8080/x"],
    ["http://localhost/x", "http://localhost/x"],
  ];
  for (const [given, opened] of hostile) {
    it(`passes ${JSON.stringify(given)} on harmlessly, still the same URL`, async () => {
      fake("xdg-open");
      assert.equal(await openBrowser(given, surroundings()), true);
      assert.deepEqual(called(), [opened]);
      assert.equal(existsSync("p"), false);
      assert.equal(existsSync(join(folder, "p")), false);
      const decoded = (url: string) =>
        new URL(url).pathname.replace(/%([0-9A-F]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
      assert.equal(decoded(opened), decoded(given));
      assert.equal(new URL(opened).host, new URL(given).host);
    });
  }

  const refused = [
    "file:///etc/passwd",
    "smb://host/share",
    "search-ms:query=x",
    "javascript:alert(1)",
    "data:text/html,x",
    "http://issuer.example/",
    "http://127.0.0.1.evil.example/",
    "https://user@issuer.example/",
    "https://:secret@issuer.example/",
    "--upload-pack=x",
    "-a",
    "//issuer.example/",
    "",
  ];
  for (const url of refused) {
    it(`refuses ${JSON.stringify(url)}`, async () => {
      fake("xdg-open");
      assert.equal(await openBrowser(url, surroundings({ BROWSER: join(bin, "xdg-open") })), false);
      assert.equal(called(), undefined);
    });
  }

  it("fails when the opener fails", async () => {
    fake("xdg-open", "exit 3");
    assert.equal(await openBrowser(PAGE, surroundings()), false);
  });

  it("fails when the opener cannot be started", async () => {
    writeFileSync(join(bin, "xdg-open"), "#!/nonexistent/interpreter\n", { mode: 0o755 });
    assert.equal(await openBrowser(PAGE, surroundings()), false);
  });

  it("takes an opener that still runs after a second for a browser", async () => {
    const id = join(folder, "id");
    fake("xdg-open", `echo $$ > '${id}.new'; /bin/mv '${id}.new' '${id}'; exec /bin/sleep 600`);
    const clock = fakeClock();
    const opened = openBrowser(PAGE, surroundings(), clock);
    await clock.untilWaiting();
    await clock.advance(999);
    assert.equal(await Promise.race([opened, Promise.resolve("waits")]), "waits");
    await clock.advance(1);
    assert.equal(await opened, true);
    assert.equal(clock.waiting(), 0);
    await killed(id);
  });

  it("does not keep the program alive while the browser runs", async () => {
    const id = join(folder, "id2");
    fake("xdg-open", `echo $$ > '${id}.new'; /bin/mv '${id}.new' '${id}'; exec /bin/sleep 600`);
    const { stdout } = await runProgram("open", [PAGE], { env: { PATH: bin, DISPLAY: ":0" } });
    assert.deepEqual(JSON.parse(stdout), { browser: { available: true }, opened: true });
    await killed(id);
  });

  it("keeps the client secret from the browser", async () => {
    fake("xdg-open", "", bin, '1 "secret=$APEX_CLIENT_SECRET other=$APEX_OTHER"');
    const env = { PATH: bin, DISPLAY: ":0", APEX_CLIENT_SECRET: "s3cret", APEX_OTHER: "kept" };
    await runProgram("open", [PAGE], { env });
    assert.deepEqual(await whenCalled(), ["secret= other=kept"]);
  });

  it("never looks in the current directory, whatever PATH says", async () => {
    fake("xdg-open", "", other);
    for (const PATH of [".", "", ":", "./", "../other", `.:${bin}`]) {
      const { stdout } = await runProgram("open", [PAGE], { env: { PATH, DISPLAY: ":0" }, cwd: other });
      assert.equal(JSON.parse(stdout).opened, false, JSON.stringify(PATH));
      assert.equal(called(), undefined);
    }
  });

  it("hands only absolute directories on to the opener", async () => {
    fake("xdg-open", "", bin, '1 "$PATH"');
    await runProgram("open", [PAGE], { env: { PATH: `.:${bin}::rel:/usr/bin`, DISPLAY: ":0" } });
    assert.deepEqual(await whenCalled(), [`${bin}:/usr/bin`]);
  });

  it("runs a constant PowerShell command on Windows, with the URL beside it", async () => {
    // The whole path with its backslashes is a file name here.
    const name = "\\root\\System32\\WindowsPowerShell\\v1.0\\powershell.exe";
    fake(name, `printf '%s\\n' "$APEX_TOKEN_URL" > '${log}.url'`);
    const variables = { SystemRoot: "\\root", PATH: bin };
    assert.equal(await openBrowser("https://x.example/$(calc)", surroundings(variables, "windows")), true);
    assert.deepEqual(called(), [
      "-NoProfile",
      "-NonInteractive",
      "-Command",
      "Start-Process -FilePath $env:APEX_TOKEN_URL",
    ]);
    assert.equal(readFileSync(`${log}.url`, "utf8"), "https://x.example/%24%28calc%29\n");
  });
});

describe("whether a browser can be opened", () => {
  const cases: [
    name: string,
    variables: Record<string, string>,
    platform: Platform,
    reason: RegExp | undefined,
  ][] = [
    ["a desktop with X", {}, "linux", undefined],
    ["a desktop with Wayland", { DISPLAY: "", WAYLAND_DISPLAY: "wayland-0" }, "linux", undefined],
    ["nothing to show a page on", { DISPLAY: "" }, "linux", /display/],
    ["a desktop without xdg-open", { PATH: other }, "linux", /xdg-open/],
    ["an ssh session", { SSH_CONNECTION: "10.0.0.1 1 10.0.0.2 22" }, "linux", /ssh session/],
    ["an ssh session to a Mac", { SSH_TTY: "/dev/ttys001" }, "darwin", /ssh session/],
    ["an ssh session to Windows", { SSH_CLIENT: "10.0.0.1 1 22" }, "windows", /ssh session/],
    ["a CI job", { CI: "true" }, "linux", /CI/],
    [
      "a JupyterLab pod",
      { DISPLAY: "", JUPYTERHUB_USER: "ada", KUBERNETES_SERVICE_HOST: "10.0.0.1" },
      "linux",
      /JupyterLab/,
    ],
    ["another pod", { DISPLAY: "", KUBERNETES_SERVICE_HOST: "10.0.0.1" }, "linux", /Kubernetes/],
    ["a container", { DISPLAY: "", container: "podman" }, "linux", /container/],
    ["a container that was given the display", { container: "podman" }, "linux", undefined],
    ["a Mac", {}, "darwin", undefined],
    ["Windows", {}, "windows", undefined],
  ];
  for (const [name, variables, platform, reason] of cases) {
    it(`is ${reason === undefined ? "yes" : "no, with the reason,"} for ${name}`, () => {
      fake("xdg-open");
      const answer = browser(surroundings(variables, platform));
      assert.equal(answer.available, reason === undefined);
      if (!answer.available) assert.match(answer.reason, reason!);
    });
  }

  it("is yes in WSL through wslview, even without a display, and names the package otherwise", async () => {
    const wsl = surroundings({ DISPLAY: "", WSL_DISTRO_NAME: "Debian" });
    fake("xdg-open");
    const without = browser(wsl);
    assert.ok(!without.available);
    if (!existsSync("/.dockerenv") && !existsSync("/run/.containerenv")) assert.match(without.reason, /wslu/);
    fake("wslview");
    assert.deepEqual(browser(wsl), { available: true });
    assert.equal(await openBrowser("https://x.example/?a=$(calc)", wsl), true);
    assert.deepEqual(called(), ["https://x.example/?a=%24%28calc%29"]);
  });
});
