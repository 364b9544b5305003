/**
 * Which flow, here, now. Pure: what the server offers, what is wanted and what this place can do go in; an ordered
 * list of flows comes out, or a diagnosis in plain words.
 *
 * @module
 */

import type { ServerMetadata } from "../oauth/issuer.ts";
import type { Flow, Provider } from "../providers.ts";

/** What a plan is made from. */
export interface Situation {
  readonly metadata: ServerMetadata;
  readonly provider: Provider;
  /** The flow that was asked for by name. */
  readonly flow?: Flow;
  /** Whether the client has a secret. */
  readonly secret: boolean;
  /** Whether a person can be asked here: a password needs it, or a file. */
  readonly terminal: boolean;
  /** Whether a page can be opened here, or why not. */
  readonly browser: { readonly available: true } | { readonly available: false; readonly reason: string };
}

/** What to try, in this order, and why; or why nothing can be tried. */
export type Plan =
  | { readonly flows: readonly Flow[]; readonly because: string }
  | { readonly flows?: undefined; readonly diagnosis: string; readonly nextStep: string };

/** Makes the plan. */
export function plan(situation: Situation): Plan {
  const { flow, secret, provider } = situation;
  if (flow) return named(flow, situation);
  if (secret) return named("client-credentials", situation);
  const possible = provider.flows.filter((candidate) => obstacle(candidate, situation) === undefined);
  if (possible.length > 0) return { flows: possible, because: reason(possible[0], situation) };
  const obstacles = provider.flows.map((candidate) => obstacle(candidate, situation)).join("; ");
  return {
    diagnosis: `Cannot sign in here: ${obstacles}`,
    nextStep: "Use a client with a secret (--flow client-credentials), or sign in on another machine",
  };
}

function named(flow: Flow, situation: Situation): Plan {
  const problem = obstacle(flow, situation);
  if (problem !== undefined && flow !== "browser") {
    return { diagnosis: `Cannot use ${words(flow)}: ${problem}`, nextStep: "Choose another --flow" };
  }
  // a browser can be opened by hand: the page is shown, so a missing opener is no obstacle to one who asked for it
  if (flow === "browser" && !situation.metadata.authorization_endpoint) {
    return { diagnosis: `Cannot use ${words(flow)}: ${problem}`, nextStep: "Choose --flow device" };
  }
  return { flows: [flow], because: situation.flow ? "as asked" : "the client has a secret" };
}

/** What stands in the way of a flow. */
function obstacle(flow: Flow, { metadata, browser, secret }: Situation): string | undefined {
  const grants = metadata.grant_types_supported;
  switch (flow) {
    case "device":
      return metadata.device_authorization_endpoint ? undefined : "the server offers no device codes";
    case "browser":
      if (!metadata.authorization_endpoint) return "the server offers no browser sign-in";
      return browser.available ? undefined : `no page can be opened here (${browser.reason})`;
    case "client-credentials":
      if (!secret) return "the client has no secret; give one with --secret-file or APEX_CLIENT_SECRET";
      return offers(grants, "client_credentials")
        ? undefined
        : "the server does not offer client credentials";
    case "password":
      return offers(grants, "password") ? undefined : "the server does not offer the password grant";
  }
}

// RFC 8414 section 2: a server that says nothing offers authorization_code and implicit; many say nothing and offer more
function offers(grants: readonly string[] | undefined, grant: string): boolean {
  return !Array.isArray(grants) || grants.includes(grant);
}

function reason(flow: Flow, { provider, browser, metadata }: Situation): string {
  if (flow === "browser") return "this machine has a browser";
  if (provider.flows[0] === "device") return `the way for ${provider.title}`;
  if (!metadata.authorization_endpoint) return "the server offers no browser sign-in";
  return browser.available ? "the server prefers it" : `no page can be opened here: ${browser.reason}`;
}

/** A flow in words. */
export function words(flow: Flow): string {
  const names: Record<Flow, string> = {
    device: "a device code",
    browser: "the browser",
    "client-credentials": "client credentials",
    password: "the password grant",
  };
  return names[flow];
}
