/**
 * Opening a page in the browser of the person who sits here.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { win32 } from "node:path";
import { type Clock, systemClock } from "../clock.ts";
import { findExecutable, type Surroundings } from "./_executables.ts";
import { isLoopback } from "./_loopback.ts";
import { type Opener, start, URL_WORD } from "./_opener.ts";

/** Whether a page can be opened here. */
export type Browser = { readonly available: true } | { readonly available: false; readonly reason: string };

/** Says whether a page can be opened here, or in plain words why not. */
export function browser(surroundings: Surroundings): Browser {
  const found = openers(surroundings);
  return typeof found === "string" ? { available: false, reason: found } : { available: true };
}

/**
 * Opens a page. No shell sees the URL: it is one argument of one program, or on Windows an environment variable.
 *
 * @param url `https`, or `http` to this machine; anything else is not opened
 * @returns whether some program took it: it ended well, or was still running after a second
 */
export async function openBrowser(
  url: string,
  surroundings: Surroundings,
  clock: Clock = systemClock,
): Promise<boolean> {
  const page = pageUrl(url);
  const found = openers(surroundings);
  if (page === undefined || typeof found === "string") return false;
  for (const opener of found) {
    if (await start(opener, page, surroundings, clock)) return true;
  }
  return false;
}

/**
 * A URL that is fit to be opened, spelled anew. What is special in some shell is percent-encoded on top of what `URL`
 * does: openers are often scripts, and the one of WSL hands its argument to PowerShell.
 */
function pageUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const permitted = url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname));
  if (!permitted || url.username !== "" || url.password !== "") return undefined;
  const encode = (character: string): string => "%" + character.charCodeAt(0).toString(16).toUpperCase();
  return url.href.replace(/%(?![0-9A-Fa-f]{2})|[$`'"();|\\^{}<>!*]/g, encode);
}

/** What could open a page here, best first, or why nothing can. */
function openers(surroundings: Surroundings): Opener[] | string {
  const chosen = chosenOpeners(surroundings);
  const own = systemOpener(surroundings);
  if (typeof own !== "string") return [...chosen, own];
  return chosen.length > 0 ? chosen : own;
}

/**
 * What `BROWSER` asks for: a list of programs, each perhaps with words of its own, where `%s` as a whole word stands for
 * the URL. There is no quoting: the words go to the program as they are.
 */
function chosenOpeners(surroundings: Surroundings): Opener[] {
  const separator = surroundings.platform === "windows" ? ";" : ":";
  const entries = (surroundings.environment("BROWSER") ?? "").split(separator);
  return entries.flatMap((entry): Opener[] => {
    const whole = findExecutable(entry.trim(), surroundings);
    const [name, ...words] = whole === undefined ? entry.trim().split(/\s+/) : [entry.trim()];
    const program = whole ?? findExecutable(name, surroundings);
    // `%s` within a word would put the URL where the program may read something else than a URL.
    if (program === undefined || words.some((word) => word.includes("%s") && word !== "%s")) return [];
    if (words.filter((word) => word === "%s").length > 1) return [];
    const place = words.includes("%s") ? words : [...words, "%s"];
    return [{ program, words: place.map((word) => word === "%s" ? URL_WORD : word), isShown: true }];
  });
}

function systemOpener(surroundings: Surroundings): Opener | string {
  const { platform, environment } = surroundings;
  const elsewhere = sessionElsewhere(surroundings);
  if (elsewhere !== undefined) return elsewhere;
  if (platform === "darwin") return { program: "/usr/bin/open", words: [URL_WORD] };
  if (platform === "windows") return windowsOpener(environment("SystemRoot") ?? "C:\\Windows");
  if (environment("WSL_DISTRO_NAME") !== undefined || environment("WSL_INTEROP") !== undefined) {
    const wslview = findExecutable("wslview", surroundings);
    if (wslview !== undefined) return { program: wslview, words: [URL_WORD] };
  }
  if (environment("DISPLAY") === undefined && environment("WAYLAND_DISPLAY") === undefined) {
    return withoutDisplay(surroundings);
  }
  const program = findExecutable("xdg-open", surroundings);
  return program === undefined
    ? "there is no program here that opens a browser (xdg-open)"
    : { program, words: [URL_WORD] };
}

/** Why the person's browser is on another machine than this program, whatever is installed here. */
function sessionElsewhere({ environment }: Surroundings): string | undefined {
  const isSet = (name: string): boolean => environment(name) !== undefined;
  if (isSet("SSH_CONNECTION") || isSet("SSH_TTY") || isSet("SSH_CLIENT")) {
    return "this is an ssh session, and your browser is on another machine";
  }
  if (isSet("CI")) return "this is an automated job (CI), and nobody sits in front of it";
  return undefined;
}

function withoutDisplay({ environment }: Surroundings): string {
  const isSet = (name: string): boolean => environment(name) !== undefined;
  if (["JUPYTERHUB_USER", "JUPYTERHUB_API_URL", "JUPYTERHUB_SERVICE_PREFIX"].some(isSet)) {
    return "this is a JupyterLab session, and your browser is on another machine";
  }
  if (isSet("KUBERNETES_SERVICE_HOST")) return "this is a Kubernetes pod, which has no display";
  if (isSet("container") || existsSync("/.dockerenv") || existsSync("/run/.containerenv")) {
    return "this is a container, which has no display";
  }
  if (isSet("WSL_DISTRO_NAME")) {
    return "WSL needs wslview to open the browser of Windows: install the package wslu";
  }
  return "there is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set)";
}

/** A constant command; `explorer` would drop the query and `cmd /c start` would be a shell. */
function windowsOpener(systemRoot: string): Opener {
  return {
    program: win32.join(systemRoot, "System32", "WindowsPowerShell", "v1.0", "powershell.exe"),
    words: ["-NoProfile", "-NonInteractive", "-Command", "Start-Process -FilePath $env:APEX_TOKEN_URL"],
    urlVariable: "APEX_TOKEN_URL",
  };
}
