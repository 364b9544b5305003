/**
 * A person with a real browser on Keycloak's own pages.
 *
 * @module
 */

import { accessSync, constants } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";
import type { PEOPLE } from "./realm.ts";

type Somebody = typeof PEOPLE[keyof typeof PEOPLE];

/** A browser without a window; `close` it. */
export interface Chromium {
  /** Opens an address with no cookies from before. */
  open(url: string): Promise<Page>;
  close(): Promise<void>;
}

const PROGRAMS = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** Without these it asks its maker for this and that, and in a container its sandbox does not start. */
const OPTIONS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A page that takes longer does not come, in milliseconds: Keycloak's first ones take half a minute on a busy machine. */
const PATIENCE = 300_000;

/**
 * Starts it.
 *
 * @throws when there is no Chromium on this machine
 */
export async function startChromium(): Promise<Chromium> {
  const executablePath = PROGRAMS.find(isProgram);
  if (executablePath === undefined) throw new Error("Cannot open a page: Chromium is missing. Install it");
  const browser: Browser = await chromium.launch({ executablePath, args: OPTIONS, timeout: PATIENCE });
  return {
    open: async (url) => {
      const context = await browser.newContext({ ignoreHTTPSErrors: true });
      context.setDefaultTimeout(PATIENCE);
      const page = await context.newPage();
      await page.goto(url);
      return page;
    },
    close: () => browser.close(),
  };
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Types name and password into Keycloak's login page. */
export async function logIn(page: Page, { username, password }: Somebody): Promise<void> {
  await page.fill("#username", username);
  await page.fill("#password", password);
  await page.click("#kc-login");
}

/** Types the code into Keycloak's device page. */
export async function enterCode(page: Page, userCode: string): Promise<void> {
  await page.fill("[name=device_user_code]", userCode);
  await page.click("[type=submit]");
}

/** Says yes or no to what the client asks for. */
export async function consent(page: Page, answer: "yes" | "no"): Promise<void> {
  await page.click(answer === "yes" ? "#kc-login" : "#kc-cancel");
}

/** What the page says, once it says `pattern`. */
export async function waitForText(page: Page, pattern: RegExp): Promise<string> {
  await page.getByText(pattern).first().waitFor();
  return await page.locator("body").innerText();
}
