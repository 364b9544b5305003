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
  /** Whether a password can be had: from a file, or from a person who can be asked here. */
  readonly password: boolean;
  /** Whether a page can be opened here, or why not. */
  readonly browser: { readonly available: true } | { readonly available: false; readonly reason: string };
}

/** What to try, in this order, and why; or why nothing can be tried. */
export type Plan =
  | { readonly flows: readonly Flow[]; readonly because: string }
  | {
    readonly flows?: undefined;
    /** Whether the server lacks it, or something is missing here. */
    readonly code: "unsupported" | "invalid_argument";
    readonly diagnosis: string;
    readonly nextStep: string;
  };

/** Makes the plan. */
export function plan(situation: Situation): Plan {
  const { flow, secret, provider } = situation;
  if (flow) return named(flow, situation);
  if (secret) return named("client-credentials", situation);
  const possible = provider.flows.filter((candidate) => obstacle(candidate, situation) === undefined);
  if (possible.length > 0) return { flows: possible, because: reason(possible[0], situation) };
  const obstacles = provider.flows.map((candidate) => obstacle(candidate, situation)!);
  return {
    code: obstacles.some(({ isHere }) => isHere) ? "invalid_argument" : "unsupported",
    diagnosis: `Cannot sign in here: ${obstacles.map(({ what }) => what).join("; ")}`,
    nextStep: "Use a client with a secret (--flow client-credentials), or sign in on another machine",
  };
}

function named(flow: Flow, situation: Situation): Plan {
  const problem = obstacle(flow, situation);
  // the page is shown and can be opened by hand: a missing opener is no obstacle to one who asked for a browser
  if (problem === undefined || (flow === "browser" && situation.metadata.authorization_endpoint)) {
    return { flows: [flow], because: situation.flow ? "as asked" : "the client has a secret or a key" };
  }
  return {
    code: problem.isHere ? "invalid_argument" : "unsupported",
    diagnosis: `Cannot use ${words(flow)}: ${problem.what}`,
    nextStep: problem.remedy ?? "Choose another --flow",
  };
}

/** What is in the way, and what somebody can give to have it out of the way. */
interface Obstacle {
  readonly what: string;
  /** Whether it is in this place, and not at the server. */
  readonly isHere?: boolean;
  readonly remedy?: string;
}

/** What stands in the way of a flow. */
function obstacle(
  flow: Flow,
  { metadata, browser, secret, password }: Situation,
): Obstacle | undefined {
  const grants = metadata.grant_types_supported;
  switch (flow) {
    case "device":
      if (metadata.device_authorization_endpoint) return undefined;
      return { what: "the server offers no device codes" };
    case "browser":
      if (!metadata.authorization_endpoint) return { what: "the server offers no browser sign-in" };
      return browser.available
        ? undefined
        : { what: `no page can be opened here (${browser.reason})`, isHere: true };
    case "client-credentials":
      if (!offers(grants, "client_credentials")) return { what: "the server does not offer them" };
      if (secret) return undefined;
      return {
        what: "the client has no secret",
        isHere: true,
        remedy: "Give its secret with --secret-file FILE, - for standard input, or in APEX_CLIENT_SECRET",
      };
    case "password":
      if (!offers(grants, "password")) return { what: "the server does not offer it" };
      if (password) return undefined;
      return {
        what: "a password is needed and nobody can be asked here",
        isHere: true,
        remedy: "Give it with --password-file FILE, or - for standard input",
      };
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
  return browser.available ? "the server prefers it" : `no page can be opened here (${browser.reason})`;
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
