/** A virtual authorization server: what it does with refresh tokens, and what can happen to a request. */

import type { Random } from "./random.ts";

/** What the server does with a refresh token that was used. */
export type Custom =
  /** Replaces it; a second use ends the family. */
  | { readonly kind: "strict" }
  /** Replaces it; takes the last one again for a while, in milliseconds. */
  | { readonly kind: "grace"; readonly window: number }
  /** Leaves it as it is, and names it in the answer or not. */
  | { readonly kind: "steady"; readonly named: boolean }
  /** Replaces it; takes each one several times more. */
  | { readonly kind: "reuse"; readonly times: number };

/** All refresh tokens of one sign-in. */
export interface Family {
  readonly signedInAt: number;
  revoked: boolean;
  /** Whether processes worked on it at the same time because the lock failed: then anything may happen to it. */
  conflict: boolean;
}

interface Issued {
  readonly family: Family;
  /** The requests that it was used in, and that reached the server. */
  readonly uses: Request[];
  replacedAt?: number;
}

/** What happens to a request. */
export type Fate =
  | "answered"
  /** It never arrives, and the client knows. */
  | "unsent"
  /** It never arrives, and the client cannot know. */
  | "hangs"
  /** The server carries it out; the answer does not come. */
  | "answer lost"
  /** The same; the client saw the beginning of a success. */
  | "answer torn"
  /** The server carries it out after the client has given up. */
  | "zombie"
  | "error before"
  | "error after"
  | "later"
  /** The answer has a refresh token and no usable access token. */
  | "spoiled"
  /** The answer is a success that nobody can read. */
  | "unreadable"
  | "refused";

/** A request on its way. */
export interface Request {
  readonly number: number;
  readonly refreshToken: string;
  readonly fate: Fate;
  readonly sentAt: number;
  /** Who sent it. */
  readonly sender: { readonly dead: boolean; readonly name: string };
  /** When the server carries it out, and when the client hears of it. */
  readonly arrivesAt: number;
  readonly endsAt: number;
  /** What the server answered. */
  answer?: { readonly refreshToken?: string } | "invalid_grant";
  /** Whether the client has heard of it. */
  heard: boolean;
  /** Whether the successor that it brought is durable. */
  durable: boolean;
  /** Why it could not be: the disk was full again after the reserved room was given back, or the store was down. */
  unwritable?: "full disk" | "store down";
}

/** Why a family was revoked. */
export type Cause = "death" | "lost answer" | "zombie" | "conflict" | "full disk" | "store down";

/** The server. */
export interface Server {
  signIn(now: number): { readonly family: Family; readonly refreshToken: string };
  send(refreshToken: string, sender: Request["sender"], now: number): Request;
  /** Carries out what has arrived by now. */
  run(now: number): void;
  /** When there is something to carry out. */
  next(): number;
  familyOf(refreshToken: string): Family | undefined;
  /** Every request that presented this token, arrived or not. */
  sentWith(refreshToken: string): readonly Request[];
  /** The request that brought this token. */
  broughtBy(refreshToken: string): Request | undefined;
}

/** What the server tells the simulation. */
export interface Watcher {
  trace(line: string): void;
  /** `cause`: nothing where nobody but the clients is to blame. */
  revoked(cause: Cause | undefined, request: Request): void;
}

/**
 * Makes a server.
 *
 * @param trouble how often a request does not go as it should, from 0 to 1
 */
export function virtualServer(
  custom: Custom,
  trouble: () => number,
  random: Random,
  watcher: Watcher,
): Server {
  const issued = new Map<string, Issued>();
  const sent = new Map<string, Request[]>();
  const bringers = new Map<string, Request>();
  const travelling: Request[] = [];
  let numbers = 0;

  function issue(family: Family): string {
    const refreshToken = `rt-${++numbers}`;
    issued.set(refreshToken, { family, uses: [] });
    return refreshToken;
  }

  function isTaken(token: Issued, now: number): boolean {
    if (token.family.revoked) return false;
    const used = token.replacedAt !== undefined;
    switch (custom.kind) {
      case "strict":
        return !used;
      case "grace":
        return !used || now - token.replacedAt! <= custom.window;
      case "reuse":
        return token.uses.length <= custom.times;
      case "steady":
        return true;
    }
  }

  function carryOut(request: Request, now: number): void {
    const token = issued.get(request.refreshToken);
    watcher.trace(`server: request ${request.number} with ${request.refreshToken} (${request.fate})`);
    if (!token || token.family.revoked) {
      request.answer = "invalid_grant";
      return;
    }
    if (!isTaken(token, now)) {
      request.answer = "invalid_grant";
      token.family.revoked = true;
      watcher.revoked(causeOf(request, token), request);
      return;
    }
    token.uses.push(request);
    if (custom.kind === "steady") {
      request.answer = custom.named ? { refreshToken: request.refreshToken } : {};
      return;
    }
    token.replacedAt ??= now;
    const refreshToken = issue(token.family);
    bringers.set(refreshToken, request);
    request.answer = { refreshToken };
  }

  return {
    signIn: (now) => {
      const family = { signedInAt: now, revoked: false, conflict: false };
      return { family, refreshToken: issue(family) };
    },
    send: (refreshToken, sender, now) => {
      const fate = random.chance(trouble()) ? random.pick(FATES) : "answered";
      const arrives = now + 1 + random.below(80);
      const answers = arrives + 1 + random.below(80);
      const gaveUp = now + 200 + random.below(14_800);
      const request: Request = {
        number: ++numbers,
        refreshToken,
        fate,
        sentAt: now,
        sender,
        arrivesAt: fate === "zombie" ? gaveUp + random.below(8000) : arrives,
        endsAt: fate === "hangs" || fate === "zombie" ? gaveUp : answers,
        heard: false,
        durable: false,
      };
      if (!NEVER_CARRIED_OUT.includes(fate)) travelling.push(request);
      sent.set(refreshToken, [...sent.get(refreshToken) ?? [], request]);
      return request;
    },
    run: (now) => {
      for (;;) {
        const first = earliest(travelling);
        if (!first || first.arrivesAt > now) return;
        travelling.splice(travelling.indexOf(first), 1);
        carryOut(first, now);
      }
    },
    next: () => earliest(travelling)?.arrivesAt ?? Infinity,
    familyOf: (refreshToken) => issued.get(refreshToken)?.family,
    sentWith: (refreshToken) => sent.get(refreshToken) ?? [],
    broughtBy: (refreshToken) => bringers.get(refreshToken),
  };
}

const FATES: readonly Fate[] = [
  "unsent",
  "hangs",
  "answer lost",
  "answer torn",
  "zombie",
  "error before",
  "error after",
  "later",
  "spoiled",
  "unreadable",
  "refused",
];
const NEVER_CARRIED_OUT: readonly Fate[] = ["unsent", "hangs", "error before", "later", "refused"];
/** After these the client cannot know whether the server has carried the request out. */
export const UNKNOWABLE: readonly Fate[] = [
  "hangs",
  "answer lost",
  "answer torn",
  "zombie",
  "error before",
  "error after",
  "unreadable",
];

function earliest(requests: readonly Request[]): Request | undefined {
  return requests.reduce<Request | undefined>(
    (first, request) => first && first.arrivesAt <= request.arrivesAt ? first : request,
    undefined,
  );
}

/** What, if not the clients, is to blame that a used token came again in `request`. */
function causeOf(request: Request, { uses, family }: Issued): Cause | undefined {
  if (family.conflict) return "conflict";
  if (request.fate === "zombie" || uses.some((use) => use.fate === "zombie")) return "zombie";
  if (uses.some((use) => UNKNOWABLE.includes(use.fate))) return "lost answer";
  // a death explains it only where the answer had not become durable
  if (uses.some((use) => use.sender.dead && !use.durable)) return "death";
  return uses.find((use) => use.unwritable)?.unwritable;
}
