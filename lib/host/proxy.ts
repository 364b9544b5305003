/**
 * Which proxy the environment asks for.
 *
 * @module
 */

import { BlockList, isIP } from "node:net";
import { TokenError } from "../errors.ts";
import { isLoopback } from "./_loopback.ts";
import type { Environment } from "./directories.ts";

/** Every variable that makes some runtime's own `fetch` use a proxy. */
const VARIABLES = ["https_proxy", "http_proxy", "all_proxy"];

/** Whether the environment names any proxy at all. */
export function hasProxy(environment: Environment): boolean {
  return VARIABLES.some((name) => variable(environment, name) !== undefined);
}

/**
 * The proxy for a request: `HTTPS_PROXY` or `HTTP_PROXY`, unless `NO_PROXY` has the host; each in small letters too, which
 * win. This machine itself is never reached through a proxy.
 *
 * @returns the proxy's URL, or nothing for a direct connection
 * @throws {TokenError} `invalid_argument` when the variable does not hold the URL of an HTTP proxy
 */
export function proxyFor(url: URL, environment: Environment): URL | undefined {
  const name = url.protocol === "https:" ? "https_proxy" : "http_proxy";
  const value = variable(environment, name);
  if (value === undefined || isLoopback(url.hostname)) return undefined;
  if (isExempt(url, variable(environment, "no_proxy") ?? "")) return undefined;
  const text = value.includes("://") ? value : `http://${value}`;
  const proxy = URL.canParse(text) ? new URL(text) : undefined;
  if (proxy?.protocol === "http:" || proxy?.protocol === "https:") return proxy;
  // The value is not shown: it may hold a password.
  throw new TokenError(
    "invalid_argument",
    `Cannot use the proxy in ${name.toUpperCase()}: it is not an http or https URL`,
    { nextStep: "Set it to http://HOST:PORT, or unset it" },
  );
}

/**
 * Whether `NO_PROXY` has the host of `url`. An entry is a name (with or without a dot in front it stands for itself and
 * all names below), an address, a range of addresses, or `*`; a port narrows it down.
 */
function isExempt(url: URL, list: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "").toLowerCase();
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return list.toLowerCase().split(/[\s,]+/).some((entry) => {
    if (entry === "") return false;
    if (entry === "*") return true;
    const [, bracketed, plain, wantedPort] =
      /^(?:\[([^\]]*)]|((?:[^:]*:[^:]*:.*)|[^:]*))(?::(\d+))?$/.exec(entry) ?? [];
    const name = bracketed ?? plain;
    if (name === undefined || (wantedPort !== undefined && wantedPort !== port)) return false;
    if (isIP(host) !== 0) return isWithin(host, name);
    const domain = name.replace(/^\*?\./, "");
    return domain !== "" && (host === domain || host.endsWith(`.${domain}`));
  });
}

function isWithin(address: string, entry: string): boolean {
  const family = (text: string): "ipv4" | "ipv6" => isIP(text) === 6 ? "ipv6" : "ipv4";
  const [base, bits] = entry.split("/");
  if (isIP(base) === 0) return false;
  const range = new BlockList();
  try {
    if (bits === undefined) range.addAddress(base, family(base));
    else range.addSubnet(base, Number(bits), family(base));
  } catch {
    return false;
  }
  return range.check(address, family(address));
}

function variable(environment: Environment, name: string): string | undefined {
  return environment(name) ?? environment(name.toUpperCase());
}
